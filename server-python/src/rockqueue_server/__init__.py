"""The RockQueue server: the engine, its store, and the gRPC face."""
