"""What a server process sees of our environment."""

import os

_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def server_environment() -> dict[str, str]:
    """Build the environment of a server: ours may hold secrets and settings meant for others.

    ``PGOPTIONS``, ``TZ`` or a locale of the user's must not change a server, and API keys have no
    place in its ``/proc/<pid>/environ``.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"LC_ALL": "C"}
