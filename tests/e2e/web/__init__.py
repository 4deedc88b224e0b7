"""A package, unlike other test folders, so that its stack and browser end with its last test."""
