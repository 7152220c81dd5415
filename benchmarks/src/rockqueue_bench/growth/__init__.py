"""Growth: what becomes of rates, memory and waits when there is more of something; one kind of it in each file."""
