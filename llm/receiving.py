"""Takes an answer from the wire until it is all there, or has to do."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from core import timeouts
from llm.failures import RefusedError, TransientError, WireError, unavailable
from llm.packing import still_packed
from llm.reply import Reply, ReplyReader
from llm.told import told_in_text
from llm.wire import is_ok, whole_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm.wire import Answer

_LAST_BYTES_S: Final = 1.0
_SILENCE_S: Final = 10.0
"""So long is waited for more of an answer that is not whole though its end was told."""


async def received(
    answer: Answer, *, key: str, on_content: Callable[[str], None] | None = None
) -> Reply:
    """Return what a server answers.

    It is read by hand, so that the size and the shape of what a server sends is bounded by us. One
    whose connection breaks counts as far as it came: it is paid for, and often only its end is
    missing.

    Args:
        answer: Whose head is there.
        key: The API key, to be cut out of what an error echoes.
        on_content: Called with each new piece of a stream's content.

    Raises:
        RefusedError: It has another status than that of an answer.
        TransientError: It says that something went wrong for now, or is no completion.
        ProviderError: It says that something went wrong for good.
        WireError: It breaks off before there is anything to read.
    """
    if not is_ok(answer):
        text = await whole_text(answer)
        raise RefusedError(told_in_text(text, status=answer.status, headers=answer.headers))
    media_type = answer.headers.get("content-type", "")
    reader = ReplyReader(key=key, media_type=media_type, on_content=on_content)
    broken: WireError | None = None
    begun = b""
    try:
        while (piece := await answer.piece()) and reader.feed(piece) and not reader.ended:
            begun = begun or piece
        if reader.ended:
            await _rest(answer, reader)
    except WireError as error:
        broken = error
    try:
        reply = reader.reply()
    except TransientError as error:
        if error.told is None and (why := still_packed(answer.headers, begun)):
            raise unavailable(why) from None
        if broken is None or error.told is not None:
            raise
        raise broken from None
    return reply if broken is None or reader.complete else replace(reply, whole=False)


async def _rest(answer: Answer, reader: ReplyReader) -> None:
    """Take what follows the end that was told: the text, where it was told too early, and tokens.

    A connection that was read to its end can be used again.
    """
    with contextlib.suppress(TimeoutError):
        while not reader.complete:
            async with timeouts.timeout(_SILENCE_S):
                piece = await answer.piece()
            if not piece or not reader.feed(piece):
                return
        async with timeouts.timeout(_LAST_BYTES_S):
            while piece := await answer.piece():
                reader.feed(piece)
