"""How far people are with learning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learner_progress",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("concept_id", sa.UUID(), nullable=False),
        sa.Column("roadmap_id", sa.UUID(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiz_version", sa.Integer(), nullable=True),
        sa.Column(
            "quiz_answers",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
        ),
        sa.Column("quiz_correct", sa.Integer(), nullable=True),
        sa.Column("quiz_total", sa.Integer(), nullable=True),
        sa.Column("quiz_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "num_nulls(quiz_version, quiz_answers, quiz_correct, quiz_total, quiz_at) IN (0, 5)",
            name=op.f("ck_learner_progress_quiz_complete"),
        ),
        sa.CheckConstraint(
            "quiz_correct >= 0 AND quiz_correct <= quiz_total",
            name=op.f("ck_learner_progress_quiz_score"),
        ),
        sa.ForeignKeyConstraint(
            ["concept_id"],
            ["concepts.concept_id"],
            name=op.f("fk_learner_progress_concept_id_concepts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["roadmap_id"],
            ["roadmaps.roadmap_id"],
            name=op.f("fk_learner_progress_roadmap_id_roadmaps"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "concept_id", name=op.f("pk_learner_progress")),
    )
    op.create_index(
        "ix_learner_progress_roadmap_id", "learner_progress", ["roadmap_id", "user_id"]
    )
    op.create_index("ix_learner_progress_concept_id", "learner_progress", ["concept_id"])


def downgrade() -> None:
    op.drop_index("ix_learner_progress_concept_id", table_name="learner_progress")
    op.drop_index("ix_learner_progress_roadmap_id", table_name="learner_progress")
    op.drop_table("learner_progress")
