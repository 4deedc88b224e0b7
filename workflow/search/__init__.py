"""Searching the web for resources: a port, nobody behind it, or Tavily."""

from workflow.search.port import Hit, Search, create_search

__all__ = ["Hit", "Search", "create_search"]
