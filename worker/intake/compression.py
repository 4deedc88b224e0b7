"""Decompresses bodies within a limit: they may be a thousand times larger than they look."""

from __future__ import annotations

import bz2
import zlib
from typing import Any, Final

from core.rejection import Reason
from worker.intake.refusal import LARGEST_MESSAGE, RefusedError

_ZLIB: Final = frozenset({"zlib", "gzip", "application/x-gzip"})
"""kombu's names; all of them are zlib's format."""
_BZ2: Final = frozenset({"bzip2", "bzip", "application/x-bz2"})


def decompressed(body: bytes, method: Any) -> bytes:
    """Return a body as it was before a sender compressed it.

    Raises:
        RefusedError: The method is unknown, it is not compressed so, or it gets too large.
    """
    if method is None:
        return body
    if not isinstance(method, str):
        raise RefusedError(Reason.CONTENT_TYPE, "it is compressed in an unknown way")
    if method in _ZLIB:
        unpack: Any = zlib.decompressobj()
    elif method in _BZ2:
        unpack = bz2.BZ2Decompressor()
    else:
        raise RefusedError(Reason.CONTENT_TYPE, "it is compressed in an unknown way")
    try:
        unpacked: bytes = unpack.decompress(body, LARGEST_MESSAGE + 1)
    except (zlib.error, OSError, EOFError, ValueError):
        raise RefusedError(Reason.BODY, "it is not compressed as it says") from None
    if len(unpacked) > LARGEST_MESSAGE:
        raise RefusedError(Reason.TOO_LARGE, "it is too large when it is decompressed")
    return unpacked
