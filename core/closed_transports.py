"""What uvloop says where asyncio says nothing: that a connection has just been closed.

Who writes in the instant between a connection's end and being told of it gets a plain
`RuntimeError` from uvloop. It means what any other lost connection means.
"""

from __future__ import annotations

from typing import Final

_SAID: Final = "the handler is closed"


def is_closed_transport(error: BaseException) -> bool:
    """Tell whether an error only says that a connection is gone."""
    return isinstance(error, RuntimeError) and _SAID in str(error)
