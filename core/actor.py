"""Who asks: a user, an admin, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LOCAL_USER: Final = "local"


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Somebody who reads or decides. Admins may do so with everybody's tasks."""

    user_id: str
    admin: bool = False

    def may_see(self, owner: str) -> bool:
        """Tell whether things of this owner are visible; others do not exist for the actor."""
        return self.admin or owner == self.user_id


SYSTEM: Final = Actor(user_id="system", admin=True)
"""Maintenance, such as a review that expires."""
