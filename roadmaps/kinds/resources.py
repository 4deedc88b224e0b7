"""Resources: where else to learn about a concept, each address looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, Field

from core.printed import Line
from core.provider_errors import ContentInvalidError
from roadmaps.kinds.kind import Kind, Shown
from roadmaps.outputs import Language, Prose, Title, asked_for, first
from roadmaps.reading import RoadmapOutput
from roadmaps.rendering.rules import SCHEMES
from roadmaps.sources import find_sources
from workflow import Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from roadmaps.inputs import ContentInputs
    from roadmaps.kinds.kind import Writing

_ALL_GONE: Final = (
    "The model's answer cannot be used: none of the addresses that it recommends exists; retry."
)


def _web_address(url: str) -> str:
    from roadmaps.web_addresses import completed, host_of  # the API reads no answers

    if not host_of(completed(url)):
        raise ValueError("it is no web address; give one that begins with https://")
    return url


class ResourceDraft(RoadmapOutput):
    """One thing to read, watch or do elsewhere."""

    title: Title
    url: Annotated[str, AfterValidator(_web_address)] = Field(
        min_length=1, max_length=2000, description="An https address that exists."
    )
    type: Literal["article", "book", "course", "documentation", "tool", "video"]
    language: Language = Field(description="BCP 47 tag.")
    why: Prose = Field(description="Why it helps with this concept, in one sentence.")


class ResourceList(RoadmapOutput):
    """Resources for one concept, the most useful first."""

    resources: Annotated[list[ResourceDraft], first(10), asked_for(3, 10)]


class Resource(Shown):
    """Something to read, watch or do elsewhere."""

    title: str
    url: str
    type: str
    language: str
    why: str
    verified: bool = Field(description="Its address answered when it was checked.")


class ResourcesBody(BaseModel):
    """What is stored."""

    resources: list[Resource]


class ResourcesKind(Kind):
    """Books, pages and videos about a concept."""

    name = "resources"
    order = 20
    output = ResourceList
    tokens = 2500
    body: ClassVar = ResourcesBody
    shown: ClassVar = list[Resource]

    def ready(self, title: str) -> str:
        """Return the sentence that the resources of a concept are there."""
        return f"Resources for '{title}' are ready"

    def sample(self, inputs: ContentInputs) -> ResourceList:
        """Return prepared ones."""
        from roadmaps.sample.reading import resources  # texts that a real author does not need

        return ResourceList.model_validate({"resources": resources(inputs)})

    async def write(self, writing: Writing) -> Written:
        """Search, let the author choose, and drop what definitely does not exist.

        Raises:
            ContentInvalidError: Nothing is left.
        """
        from roadmaps.links import check_resources  # late: the API checks none

        hits, note = await find_sources(writing.inputs)
        inputs = writing.inputs
        if hits:
            inputs = inputs.model_copy(update={"hits": tuple(hits)})
        found = await self.asked(writing, inputs)
        checked = await check_resources(
            found.resources,
            task_id=writing.task_id,
            known=frozenset(hit.url for hit in hits),
        )
        if not checked:
            raise ContentInvalidError(_ALL_GONE)
        return Written({"resources": checked}, note)

    def show(self, body: Mapping[str, Any], *, version: int, html: str | None) -> Any:  # noqa: ARG002 - a list has no place for them
        """Return the resources whose addresses a page may link to."""
        return [each for each in body.get("resources", ()) if _linkable(each)]

    def printed(self, shown: Any) -> Iterator[Line]:
        """Return each resource with its address, and why it helps."""
        for resource in shown:
            yield Line(f"• {resource['title']}", strong=True)
            yield Line(f"  {resource['url']}  {resource.get('why', '')}")


def _linkable(resource: Mapping[str, Any]) -> bool:
    scheme, colon, _rest = str(resource.get("url", "")).partition(":")
    return bool(colon) and scheme.lower() in SCHEMES


KIND = ResourcesKind()
