"""`python -m rockqueue_conformance` is the command `rockqueue-conformance`."""

from rockqueue_conformance.cli import main

main()
