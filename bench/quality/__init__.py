"""How good the roadmaps are that the configured provider designs, in numbers."""
