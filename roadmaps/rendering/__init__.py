"""Tutorials as HTML: rendered once, in a process that can be killed, and stored with a version.

Nothing is imported here, so that the process imports what renders and nothing else.
"""
