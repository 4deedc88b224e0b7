"""Resources: where else to learn about a concept, each address looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadmaps.inputs import CallKind
from roadmaps.kinds.kind import Kind
from roadmaps.outputs import ResourceList
from roadmaps.sources import find_sources
from workflow.definition import Written

if TYPE_CHECKING:
    from roadmaps.kinds.kind import Writing


class ResourcesKind(Kind):
    """Books, pages and videos about a concept."""

    name = "resources"
    call = CallKind.RESOURCES

    def ready(self, title: str) -> str:
        """Return the sentence that the resources of a concept are there."""
        return f"Resources for '{title}' are ready"

    async def write(self, writing: Writing) -> Written:
        """Search, let the author choose, and drop what definitely does not exist."""
        from roadmaps.links import check_resources  # an HTTP client, which the API does not need

        hits, note = await find_sources(writing.inputs)
        inputs = writing.inputs.model_copy(update={"hits": tuple(hits)})
        found = await writing.asking.ask(self.prompt(inputs), ResourceList)
        checked = await check_resources(
            found.resources,
            task_id=writing.task_id,
            known=frozenset(hit.url for hit in hits),
        )
        return Written({"resources": checked}, note)


KIND = ResourcesKind()
