"""Checks whether a resource's address exists, without connecting to any private network."""

from roadmaps.links.verified import check_resources, close_links

__all__ = ["check_resources", "close_links"]
