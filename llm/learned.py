"""What is learned of one server and model: by all calls of a process, and over restarts.

A refusal costs one request and not one per call: the first call that meets it changes how all ask
from then on. What was learned is kept (`Memory`) and forgotten after a week, so that a server
which can do more by then is asked for more.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from core import timeouts
from core.logging import get_logger
from core.provider_errors import (
    ContextTooLongError,
    ProviderAddressError,
    ProviderRejectedError,
    ProviderUnavailableError,
    ProviderUnknownModelError,
    ProviderUnsupportedError,
)
from llm.abilities import LONG_ANSWER, Abilities, marks
from llm.failures import judged
from llm.refusals import Feature, bound_in, limit_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from core.provider_errors import ProviderError
    from llm.reply import Reply
    from llm.told import Told

KEPT_S: Final = 7 * 24 * 3600.0
_PATIENCE_S: Final = 2.0
"""After so long without an answer from the database, calls go on without what it has kept."""
_MOST_ROUNDS: Final = 12
"""How often one call is asked differently; each time takes something away, so that is enough."""
_UNEXPLAINED: Final = frozenset({400, 405, 415, 422, 501})

_MAY_BE_HOW: Final = (
    ContextTooLongError,
    ProviderAddressError,
    ProviderRejectedError,
    ProviderUnavailableError,
    ProviderUnknownModelError,
)
"""Failures that can be about how was asked; all others are about who asks, or for what."""

_log = get_logger(__name__)


class Memory(Protocol):
    """Keeps what was learned of the server and model that the settings name."""

    async def read(self) -> tuple[Any, float] | None:
        """Return what was kept and its age in seconds, or None."""
        ...

    async def write(self, learned: dict[str, Any]) -> None:
        """Keep this instead."""
        ...


class Learned:
    """How a server and model are asked, as far as it is known by now.

    Attributes:
        start: How they are asked as long as nothing is known.
        proven: What requests that were answered had in them.
        in_vain: Whether all other ways to ask were tried for a refusal without a reason.
        served: Whether any request was answered.
    """

    def __init__(self, start: Abilities, *, memory: Memory | None = None) -> None:
        """Begin with what a preset knows; ask the memory later, in the event loop."""
        self.start = start
        self.proven: frozenset[str] = frozenset()
        self.in_vain = False
        self.served = False
        self._memory = memory
        self._abilities = start
        self._learned_at = time.monotonic()
        self._writing: set[asyncio.Task[None]] = set()

    @property
    def abilities(self) -> Abilities:
        """How to ask now."""
        if self._abilities != self.start and time.monotonic() - self._learned_at > KEPT_S:
            self._abilities, self.proven = self.start, frozenset()
        return self._abilities

    async def recall(self) -> None:
        """Take over what was kept, unless something was learned in the meantime."""
        if self._memory is None or self._abilities != self.start:
            return
        try:
            async with timeouts.timeout(_PATIENCE_S):
                kept = await self._memory.read()
        except Exception as error:  # noqa: BLE001 - nothing depends on it: it is learned again
            _log.info("abilities_read_failed", error=type(error).__name__)
            return
        known = Abilities.from_json(kept[0]) if kept else None
        if kept and known and kept[1] < KEPT_S and self._abilities == self.start:
            self._abilities = known
            self._learned_at = time.monotonic() - kept[1]

    def adopt(self, abilities: Abilities) -> None:
        """Ask so from now on, and keep it."""
        if abilities == self._abilities:
            return
        self._abilities = abilities
        self._learned_at = time.monotonic()
        if self._memory is not None:
            task = asyncio.create_task(self._write(abilities), name="llm-learned")
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    def prove(self, request: dict[str, Any]) -> None:
        """Note that a request was answered."""
        self.proven |= marks(request)
        self.served = True

    async def aclose(self) -> None:
        """Wait a little for what is being kept."""
        loop = asyncio.get_running_loop()
        mine = [task for task in self._writing if task.get_loop() is loop]
        if mine:
            await asyncio.wait(mine, timeout=_PATIENCE_S)

    async def _write(self, abilities: Abilities) -> None:
        if self._memory is None:
            return
        try:
            async with timeouts.timeout(_PATIENCE_S):
                await self._memory.write(abilities.as_json())
        except Exception as error:  # noqa: BLE001 - nothing depends on it: it is learned again
            _log.info("abilities_write_failed", error=type(error).__name__)


class Manner:
    """How one call asks: as all do, or differently for a try."""

    def __init__(self, learned: Learned) -> None:
        """Begin as all do."""
        self._learned = learned
        self._try: Abilities | None = None
        self._for_all = True
        self._guesses: Iterator[Abilities] | None = None
        self._rounds = 0

    @property
    def abilities(self) -> Abilities:
        """How to ask next."""
        return self._try or self._learned.abilities

    def goes_round(self, told: Told, request: dict[str, Any], *, seen: Abilities) -> bool:
        """Learn from a refusal, and tell whether asking differently may help.

        Args:
            told: What the server said.
            request: What it said it to.
            seen: What that request was made with.
        """
        kind, _ = judged(told)
        if not issubclass(kind, _MAY_BE_HOW) or self._rounds >= _MOST_ROUNDS:
            return False
        self._rounds += 1
        feature = seen.refused(told, request)
        if kind is ContextTooLongError and feature not in {Feature.LIMIT_VALUE, Feature.SCHEMA}:
            return False
        if feature is not None:
            return self._without(feature, told, request, seen)
        return _is_unexplained(told, kind) and self._guess(request, seen)

    def answered(self, request: dict[str, Any]) -> None:
        """Note that this way to ask works."""
        self._learned.prove(request)
        if self._try is not None and self._for_all:
            self._learned.adopt(self._try)
        self._try, self._for_all, self._guesses = None, True, None

    def was_cut_by_default(self, request: dict[str, Any], reply: Reply) -> bool:
        """Tell whether a server cut an answer off by a limit that nobody asked for.

        Such a limit is a round number, and small: a model that wrote as much as it can wrote more.
        It is asked for more from then on.
        """
        written = reply.usage.completion_tokens
        if (
            reply.finish_reason != "length"
            or limit_in(request) is not None
            or not self.abilities.limit_names
            or not 0 < written <= LONG_ANSWER // 2
            or (written % 256 and written % 500)
        ):
            return False
        self._learned.adopt(self._longer())
        _log.info("answer_limit_raised", cut_at=written, asked=LONG_ANSWER)
        return True

    def _longer(self) -> Abilities:
        return replace(self._learned.abilities, answer_tokens=LONG_ANSWER)

    def _without(
        self, feature: Feature, told: Told, request: dict[str, Any], seen: Abilities
    ) -> bool:
        _log.info("feature_refused", feature=feature, status=told.status)
        if feature is Feature.LIMIT_VALUE and judged(told)[0] is ContextTooLongError:
            return self._within_window(told, request, seen)
        if self._try is not None:
            self._try = self._try.without(feature, seen=seen, told=told, request=request)
        else:
            now = self._learned.abilities
            self._learned.adopt(now.without(feature, seen=seen, told=told, request=request))
        return self.abilities != seen

    def _within_window(self, told: Told, request: dict[str, Any], seen: Abilities) -> bool:
        """Ask this once for as much as this question leaves room for; others may leave more."""
        limit = limit_in(request)
        bound = bound_in(told, asked=limit[1]) if limit else None
        if bound is None:
            return False
        self._try, self._for_all = replace(seen, most_tokens=bound), False
        return True

    def _guess(self, request: dict[str, Any], seen: Abilities) -> bool:
        """Try another way for a refusal without a reason; once in vain is enough."""
        if self._guesses is None:
            if self._learned.in_vain:
                return False
            self._guesses = seen.guesses(self._learned.proven, request)
        self._try = next(self._guesses, None)
        if self._try is None:
            self._learned.in_vain = True
            return False
        return True


def _is_unexplained(told: Told, kind: type[ProviderError]) -> bool:
    plain = kind in {ProviderRejectedError, ProviderUnsupportedError}
    return plain and told.status in _UNEXPLAINED and not told.page
