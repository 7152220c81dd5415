"""Messages and stubs of the rockqueue.testing.v1 contract, generated from proto/rockqueue/testing/v1."""
