"""The raw client: messages as plain data, calls and streams, errors with their details."""
