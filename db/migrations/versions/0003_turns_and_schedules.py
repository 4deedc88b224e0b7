"""whose turn it is, the workers' slots, when jobs are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('workers',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slots', sa.Integer(), nullable=False),
    sa.Column('spare', sa.Integer(), nullable=False),
    sa.Column('incarnation', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_workers'))
    )
    op.add_column('roadmap_tasks', sa.Column('deferred_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_roadmap_tasks_user_id_started_at', 'roadmap_tasks', ['user_id', 'started_at'], unique=False)
    op.add_column('schedules', sa.Column('next_run_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('schedules', 'next_run_at')
    op.drop_index('ix_roadmap_tasks_user_id_started_at', table_name='roadmap_tasks')
    op.drop_column('roadmap_tasks', 'deferred_at')
    op.drop_table('workers')
