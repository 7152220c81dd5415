"""Messages and stubs of the rockqueue.v1 contract, generated from proto/rockqueue/v1."""
