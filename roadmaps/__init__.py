"""Roadmaps: the built-in workflow, and everything that knows what a roadmap is."""
