"""What a run tells: a table for people, one JSON object for programs."""
