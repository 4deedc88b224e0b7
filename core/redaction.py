"""Takes secrets out of logs and messages.

Quotes, braces and backslashes stay where they are: a line of JSON stays one.
"""

from __future__ import annotations

import re
from typing import Final

from core.secret_names import names_secret

_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^:/@\s\"']*):([^/\s\"']+)@")
_LOGIN_IN_URL: Final = re.compile(r"(?i)(?:(?<=https://)|(?<=http://))[^:/@\s\"'?#]+@")
_IN_QUERY: Final = re.compile(r"(?<=[?&])([\w.-]+)=([^&\s\"'#\\]+)")
_CREDENTIAL: Final = re.compile(r"(?i)(bearer\s+|ticket=|token=|api[_-]?key=)[\w.\-~+/]+=*")


def redact(text: str) -> str:
    """Return the text without passwords in addresses, bearer tokens, tickets and keys."""
    text = _LOGIN_IN_URL.sub("***@", _PASSWORD_IN_URL.sub(r"\1:***@", text))
    return _CREDENTIAL.sub(r"\1***", _IN_QUERY.sub(_parameter, text))


def _parameter(found: re.Match[str]) -> str:
    return f"{found[1]}=***" if names_secret(found[1]) else found[0]
