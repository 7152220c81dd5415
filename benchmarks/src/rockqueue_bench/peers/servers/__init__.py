"""The servers, one file each: a block that starts one on a loopback port and a directory, and ends it."""
