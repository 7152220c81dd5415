"""What tests may use of a RockQueue server that runs in testing mode."""
