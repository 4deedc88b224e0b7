"""Does a resource's address exist? Looked up without knocking at inner doors."""

from workflow.links.check import check_resources, close_links

__all__ = ["check_resources", "close_links"]
