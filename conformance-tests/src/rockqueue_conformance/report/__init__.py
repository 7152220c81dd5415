"""What people and machines read afterwards."""
