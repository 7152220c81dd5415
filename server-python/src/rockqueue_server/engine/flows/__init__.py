"""Jobs that wait for jobs: how their graph is stored, and what follows when one of them ends."""
