"""The API's documentation as one plain page, which works offline: no script, no CDN."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from api.mount import base

router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
async def docs(request: Request) -> HTMLResponse:
    """Show every operation of openapi.json."""
    return HTMLResponse(_rendered(request.app, base()))


@lru_cache(maxsize=4)
def _rendered(app: FastAPI, _base: str) -> str:
    """Render the page once for each application and sub-path: it takes 50 ms."""
    from api.docs_page import page  # and with it Markdown's renderer, which is else a child's

    return page(app.openapi())
