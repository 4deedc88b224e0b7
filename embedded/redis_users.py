"""Users of the embedded Redis, each with what one kind of work needs (Redis's ACL).

The default user, whose password is in the server's own address, may do everything that a client
can be allowed; it is for people, and for programs of theirs. Processes run as these instead: none
of them may change the server, empty it, or cut others off.
"""

from collections.abc import Mapping
from typing import Final

_COMMANDS: Final = "+@all -@admin -@dangerous +info"
USERS: Final[Mapping[str, str]] = {
    # Celery's messages: any key and channel, since it makes up their names, and a worker ends when
    # one is refused
    "broker": f"~* &* {_COMMANDS}",
    # live copies of events, and the limits of the language model that processes share
    "publisher": "~{prefix}roadmap:* &{prefix}task_progress:*"
    f" &{{prefix}}notifications:* {_COMMANDS}",
    # whoever follows them; counts requests, and looks at the server for the report
    "reader": "~{prefix}roadmap:* ~{prefix}roadmap_requests*"
    f" &{{prefix}}task_progress:* &{{prefix}}notifications:* {_COMMANDS}"
    " +client|list",
}


def acl_lines(passwords: Mapping[str, str], *, prefix: str = "") -> str:
    """Return the lines of the configuration that make the users.

    Args:
        passwords: By user; letters and digits.
        prefix: What stands before every key and channel.
    """
    return "".join(
        f"user roadmap-{name} on >{passwords[name]} resetkeys resetchannels"
        f" {rules.format(prefix=prefix)}\n"
        for name, rules in USERS.items()
    )
