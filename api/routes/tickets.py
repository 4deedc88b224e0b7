"""Tickets for streams, since a browser cannot set headers there."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from api import tickets
from api.auth import CurrentViewer
from api.composition import services_of
from api.problems import documented
from api.shapes import TicketAnswer, TicketRequest
from watching import queries

router = APIRouter(tags=["events"])


@router.post(
    "/stream-tickets",
    operation_id="createStreamTicket",
    summary="A short-lived credential for `?ticket=`",
    status_code=201,
    responses=documented(404),
)
async def create_ticket(
    connection: Request,
    viewer: CurrentViewer,
    request: Annotated[TicketRequest | None, Body()] = None,
) -> TicketAnswer:
    """Return a ticket for one task's streams, or for all of one's own streams."""
    await services_of(connection).limit.check_ticket(viewer.actor)
    task_id = None if request is None else request.task_id
    if task_id is not None:
        await queries.require_task(task_id, actor=viewer.actor)
    ticket = tickets.mint(viewer, task_id=None if task_id is None else str(task_id))
    return TicketAnswer(ticket=ticket, expires_in=tickets.ttl_s(viewer.expires_at))
