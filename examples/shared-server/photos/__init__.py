"""Makes pictures, has programs in other languages shrink them, and checks what they made."""
