"""What surrounds a server, and can fail under it: the disk, the clocks, the network, and time in plenty."""
