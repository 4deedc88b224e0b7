"""What the doctor found: one thing each, required or recommended, never a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.redaction import redact

_PLACEHOLDER: Final = re.compile(
    r"^$"
    r"|your[\s_\-]|[\s_\-]here$|change[\s_\-]?(me|this)|place[\s_\-]?holder|replace[\s_\-]?(me|this)"
    r"|insert[\s_\-]|to[\s_\-]?do\b|fix[\s_\-]?me|dummy|\bexample\b|<[^>]*>|^\[.*\]$|^\{.*\}$|\$\{"
    r"|\.\.\.|…|(^|[\s_\-])x{3,}$|^\*+$|xxxx|^(none|null|secret|password|key|api[\s_\-]?key|token|sk-?|test)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        ok: Whether it is as it should be.
        message: What was found and, when it is not ok, what to do.
        required: Whether the program cannot do its work without it.
        code: The stable code of the error that was met, if it has one.
    """

    name: str
    ok: bool
    message: str
    required: bool = True
    code: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it for `--json`."""
        document: dict[str, object] = {"name": self.name, "ok": self.ok, "message": self.message}
        return {**document, "code": self.code} if self.code else document


def is_placeholder(value: str) -> bool:
    """Tell whether a value only stands where a real one should be, as in `your_key_here`."""
    return _PLACEHOLDER.search(value.strip()) is not None


def clean(text: str, *secrets: str | None) -> str:
    """Return a message without passwords in addresses, tokens, and the secrets given."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return " ".join(redact(text).split())
