"""Searches the web for resources, where a search is configured: the port, and Tavily."""

from roadmaps.search.port import Hit, Search, create_search

__all__ = ["Hit", "Search", "create_search"]
