"""Where the server under test runs: a process of ours, or an address."""
