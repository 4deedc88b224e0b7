"""What a task made: the results of its steps, and its parts, one by one."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import Field
from starlette.convertors import Convertor, register_url_convertor

from api.auth import CurrentActor
from api.http import InPath, TaskId, decode_place, encode_place, next_link, tagged
from api.problems import documented
from api.routes.tasks import accepted
from api.shapes import PartList, Task
from core.request_shapes import Prose, Stored
from core.request_shapes import Request as Asked
from core.states import ContentStatus
from watching.queries.parts import parts_page
from workflow import service
from workflow.showing import PartBodyView, ResultsView, part_of, results_of


class _Anything(Convertor[str]):
    """Whatever stands there, slashes and line breaks included: a part's key may have them."""

    regex = r"(?s:.+)"

    def convert(self, value: str) -> str:
        """Return it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Return it as it is."""
        return value


register_url_convertor("anything", _Anything())
router = APIRouter(prefix="/tasks/{task_id}", tags=["results"])

_EXAMPLES: Final[dict[str, Any]] = {
    "all": {"summary": "All kinds of this key", "value": {}},
    "otherwise": {
        "summary": "One kind, in another way",
        "value": {"kinds": ["quiz"], "instruction": "Ask about real programs, not definitions."},
    },
}
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Unchanged since the `ETag`."}
}
_ONE: Final = "/parts/{step}/{key:anything}"
StepPath = Annotated[str, InPath, Path(max_length=63, description="The step that makes it.")]
KeyPath = Annotated[
    str,
    InPath,
    Path(
        max_length=1000,
        description="Names the part within its step. Encode it for an address; slashes may stay.",
    ),
]
KindQuery = Annotated[
    Stored | None,
    Query(max_length=200, description="Needed where the step makes several kinds of each part."),
]


class PartRegeneration(Asked):
    """Which parts of a key to make anew, and what is to be different."""

    kinds: list[Annotated[str, Field(max_length=200)]] | None = Field(
        default=None, min_length=1, max_length=100, description="All when left out."
    )
    instruction: Prose | None = Field(
        default=None, description="Reaches whoever makes them, beside what they are made from."
    )


@router.get(
    "/results",
    operation_id="getResults",
    summary="What a task's steps gave",
    response_model=ResultsView,
    responses={**_UNCHANGED, **documented(404)},
)
async def get_results(
    task_id: TaskId,
    request: Request,
    actor: CurrentActor,
    *,
    parts: Annotated[
        bool, Query(description="Without the steps that make parts, when `false`.")
    ] = True,
) -> Response:
    """Return what each finished step gave, by step."""
    return tagged(request, await results_of(task_id, actor=actor, parts=parts))


@router.get(
    "/parts",
    operation_id="listParts",
    summary="A task's parts",
    responses=documented(404),
)
async def list_parts(  # noqa: PLR0913, PLR0917 - FastAPI names them
    task_id: TaskId,
    request: Request,
    response: Response,
    actor: CurrentActor,
    step: Annotated[Stored | None, Query(max_length=63, description="Only of this step.")] = None,
    key: Annotated[Stored | None, Query(max_length=1000, description="Only of this key.")] = None,
    kind: Annotated[Stored | None, Query(max_length=200, description="Only of this kind.")] = None,
    status: Annotated[
        list[ContentStatus] | None, Query(max_length=10, description="Only these; may be repeated.")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=4000)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> PartList:
    """Return a page of parts, each in its newest version, in the order of steps and lists."""
    views, last = await parts_page(
        task_id,
        actor=actor,
        step=step,
        key=key,
        kind=kind,
        statuses=status or (),
        after=decode_place(cursor),
        limit=limit,
    )
    following = encode_place(last)
    response.headers.update(next_link(request, following))
    return PartList(parts=views, next_cursor=following)


@router.get(
    _ONE,
    operation_id="getPart",
    summary="A part",
    response_model=PartBodyView,
    responses={**_UNCHANGED, **documented(404)},
)
async def get_part(  # noqa: PLR0917 - FastAPI names them
    task_id: TaskId,
    step: StepPath,
    key: KeyPath,
    request: Request,
    actor: CurrentActor,
    kind: KindQuery = None,
    version: Annotated[
        int | None,
        Query(ge=1, le=2**31 - 1, description="By default the newest that can be read."),
    ] = None,
) -> Response:
    """Return a part with what was made; `body` is null until there is something."""
    found = await part_of(task_id, step, key, actor=actor, kind=kind, version=version)
    return tagged(request, found)


@router.post(
    _ONE + "/regenerate",
    operation_id="regeneratePart",
    summary="Make parts anew",
    status_code=202,
    responses=documented(404, 409),
)
async def regenerate_part(
    task_id: TaskId,
    step: StepPath,
    key: KeyPath,
    response: Response,
    actor: CurrentActor,
    asked: Annotated[PartRegeneration | None, Body(openapi_examples=_EXAMPLES)] = None,
) -> Task:
    """Make new versions of a key's parts; the old ones stay readable until they are there."""
    wanted = asked or PartRegeneration()
    await service.remake(
        task_id,
        step,
        key,
        wanted.kinds or (),
        actor=actor,
        instruction=wanted.instruction or None,
    )
    return await accepted(task_id, response, actor)
