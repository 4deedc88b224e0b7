"""Keys made from AUTH_SECRET: one for each purpose, so that nothing signed for one serves another.

Bearer tokens are signed with the secret itself, because other programs mint them. What only this
program makes and reads (tickets, browser sessions, sign-in codes) has keys of its own.
"""

from __future__ import annotations

import hmac
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.settings import Settings

SHORTEST_SECRET: Final = 32
"""RFC 7518 §3.2: as long as the digest."""
FEWEST_CHARACTERS: Final = 8
"""Different ones; 64 random hexadecimal digits have some 15."""
LONGEST_REFRAIN: Final = 9
_WORDS: Final = ("changeme", "replaceme", "placeholder", "yoursecret", "mysecret")


def derived(secret: str, purpose: str) -> str:
    """Return the key for one purpose."""
    return hmac.new(secret.encode(), f"roadmap-worker {purpose}".encode(), "sha256").hexdigest()


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return the secrets that are good: the first one signs, each verifies; none without any."""
    given = (settings.auth_secret, settings.auth_secret_previous)
    return tuple(secret.get_secret_value() for secret in given if secret is not None)


def weakness(secret: str) -> str | None:
    """Say why a secret is too easy to guess; None when it looks like a random one."""
    if len(secret) < SHORTEST_SECRET:
        return f"must have {SHORTEST_SECRET} characters or more"
    letters = "".join(filter(str.isalpha, secret.lower()))
    if any(word in letters for word in _WORDS):
        return "looks like a placeholder; make one with `openssl rand -hex 32`"
    common = Counter(secret).most_common(1)[0][1]
    if len(set(secret)) < FEWEST_CHARACTERS or common > len(secret) // 2 or _repeats(secret):
        return "is too easy to guess; make one with `openssl rand -hex 32`"
    return None


def _repeats(secret: str) -> bool:
    """Tell whether it is a short text over and over."""
    times = len(secret)
    return any(secret == (secret[:length] * times)[:times] for length in range(1, LONGEST_REFRAIN))
