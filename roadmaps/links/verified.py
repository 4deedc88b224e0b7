"""Drops resources whose address does not exist, and says of the others whether it was seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from core.choices import Provider
from core.loop_local import LoopLocal
from core.settings import get_settings
from roadmaps.web_addresses import completed, host_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from roadmaps.kinds.resources import ResourceDraft
    from roadmaps.links.check import Checker


async def check_resources(
    drafts: Sequence[ResourceDraft],
    *,
    task_id: UUID | None = None,
    known: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """Return the resources whose address is not known to be gone, each with `verified`.

    What cannot be checked (no network, refused, slow) stays, unverified. What is no web address is
    dropped, and so is the second of two with the same address. The sample author's addresses are
    not looked up: it works offline.

    Args:
        drafts: What the model recommends.
        task_id: For which task; a task has so many look-ups.
        known: Addresses that a search gave, which may be asked as they are. One that the model
            made up is not asked when it has a query, which could carry what the learner wrote to
            whoever owns the host.
    """
    found = [completed(draft.url) for draft in drafts]
    urls = dict.fromkeys(found)
    if get_settings().llm_provider is Provider.SAMPLE:
        checked = [None if host_of(url) else False for url in urls]
    else:
        checker = _checkers.get()
        checked = await asyncio.gather(
            *(checker.verdict(url, task_id=task_id, whole=url in known) for url in urls)
        )
    verdicts = dict(zip(urls, checked, strict=True))
    kept = []
    for draft, url in zip(drafts, found, strict=True):
        verdict = verdicts.pop(url, False)
        if verdict is not False:
            kept.append(draft.model_dump(mode="json") | {"url": url, "verified": verdict is True})
    return kept


def _new_checker() -> Checker:
    from roadmaps.links.check import Checker  # late: an HTTP client takes a tenth of a second

    return Checker()


_checkers: LoopLocal[Checker] = LoopLocal(_new_checker)


async def close_links() -> None:
    """Close the running loop's checker, if anything was ever checked."""
    checker = _checkers.pop()
    if checker is not None:
        checker.close()
