"""People are told of cancelled tasks too.

Revision ID: 0005
Revises: 0001
Create Date: 2026-11-22

"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Sequence

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    "kind IN ('review_required', 'review_reminder', 'task_completed', 'task_partially_failed',"
    " 'task_failed')"
)
AFTER = BEFORE.removesuffix(")") + ", 'task_cancelled')"


def upgrade() -> None:
    """Allow the kind."""
    op.drop_constraint(op.f("ck_notifications_kind"), "notifications", type_="check")
    op.create_check_constraint(op.f("ck_notifications_kind"), "notifications", AFTER)


def downgrade() -> None:
    """Forget what older programs do not know, and refuse it again."""
    op.execute("DELETE FROM notifications WHERE kind = 'task_cancelled'")
    op.drop_constraint(op.f("ck_notifications_kind"), "notifications", type_="check")
    op.create_check_constraint(op.f("ck_notifications_kind"), "notifications", BEFORE)
