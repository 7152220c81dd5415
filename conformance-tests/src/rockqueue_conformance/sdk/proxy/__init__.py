"""What stands between an SDK and the real server: a connection that can break, and a server that answers as told."""
