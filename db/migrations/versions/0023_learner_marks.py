"""Learners mark concepts as being learnt and as skipped, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark beside `done_at`, which processes of the release before go on writing."""
    op.add_column("learner_progress", sa.Column("mark", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_learner_progress_known_mark"),
        "learner_progress",
        "mark IN ('learning', 'skipped')",
    )


def downgrade() -> None:
    """Forget what is neither done nor answered."""
    op.drop_constraint(op.f("ck_learner_progress_known_mark"), "learner_progress", type_="check")
    op.drop_column("learner_progress", "mark")
