"""Tells of an answer that is still packed: in an encoding that nobody asked for."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOKED_AT: Final = 200
"""Bytes by which a text is known; some encodings begin like one."""
_UNPACKED: Final = frozenset({"", "identity", "gzip", "deflate"})
_NO_NAME: Final = re.compile(r"[^\w.,+ -]+")
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")


def still_packed(headers: Mapping[str, str], begun: bytes) -> str:
    """Return what is to be said of an answer that came packed in a way that we do not unpack.

    Args:
        headers: Of the answer.
        begun: Its first bytes; a text is none that is packed, whatever the headers say.
    """
    encoding = _NO_NAME.sub("", headers.get("content-encoding", ""))[:40].strip().lower()
    if encoding in _UNPACKED or _is_text(begun[:_LOOKED_AT]):
        return ""
    return (
        f"its answer is packed as {encoding}, and `Accept-Encoding` asks for gzip or deflate; let"
        " whatever stands between send it so, or as it is"
    )


def _is_text(begun: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(begun)
    except UnicodeDecodeError:
        return False
    return _NO_TEXT.search(text) is None
