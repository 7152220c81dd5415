"""The loads: programs that put work on a server, each run as a process of its own by the harness."""
