"""RockQueue's own load in the shapes that the peers are measured in."""
