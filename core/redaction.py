"""Takes secrets out of logs and messages."""

from __future__ import annotations

import re
from typing import Final

_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^:/@\s\"']*):([^/\s\"']+)@")
_LOGIN_IN_URL: Final = re.compile(r"(?i)(?:(?<=https://)|(?<=http://))[^:/@\s\"'?#]+@")
_SECRET_IN_QUERY: Final = re.compile(
    r"(?i)(?<=[?&])([\w.-]*(?:key|token|secret|password|sig|signature)=)[^&\s\"'#]+"
)
_CREDENTIAL: Final = re.compile(r"(?i)(bearer\s+|ticket=|token=|api[_-]?key=)[\w.\-~+/]+=*")


def redact(text: str) -> str:
    """Return the text without passwords in addresses, bearer tokens, tickets and keys."""
    text = _LOGIN_IN_URL.sub("***@", _PASSWORD_IN_URL.sub(r"\1:***@", text))
    return _CREDENTIAL.sub(r"\1***", _SECRET_IN_QUERY.sub(r"\1***", text))
