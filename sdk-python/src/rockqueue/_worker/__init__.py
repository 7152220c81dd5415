"""Working on jobs: the session with the server on the I/O loop, the handlers on the user's."""
