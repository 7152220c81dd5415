"""`python -m rockqueue_bench` is the command `rockqueue-bench`."""

from rockqueue_bench.cli import main

if __name__ == "__main__":
    main()
