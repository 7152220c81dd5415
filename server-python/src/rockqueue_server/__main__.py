"""`python -m rockqueue_server` is the command `rockqueue`."""

from rockqueue_server.cli import main

if __name__ == "__main__":
    main()
