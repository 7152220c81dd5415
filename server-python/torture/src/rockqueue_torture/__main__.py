"""`python -m rockqueue_torture`."""

from rockqueue_torture.cli import main

if __name__ == "__main__":
    main()
