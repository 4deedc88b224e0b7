"""Search in goals and titles by trigrams, where the server has them and lets us use them."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# An owner of the database may create this extension, unless the server lacks it or an operator
# forbids it; a search then reads the texts themselves. It may be there already, in any schema.
_UPGRADE = """
DO $$
DECLARE place text;
BEGIN
    BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
    EXCEPTION WHEN OTHERS THEN
        RAISE DEBUG 'pg_trgm: %', SQLERRM;
    END;
    SELECT quote_ident(nspname) INTO place
    FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
    WHERE extname = 'pg_trgm' AND has_schema_privilege(n.oid, 'USAGE');
    IF place IS NOT NULL THEN
        EXECUTE format('CREATE INDEX IF NOT EXISTS ix_roadmap_tasks_goal_trgm ON roadmap_tasks'
            ' USING gin (goal %s.gin_trgm_ops)', place);
        EXECUTE format('CREATE INDEX IF NOT EXISTS ix_roadmaps_title_trgm ON roadmaps'
            ' USING gin (title %s.gin_trgm_ops)', place);
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute(_UPGRADE)


def downgrade() -> None:
    # the extension stays: somebody else may use it by now
    op.execute("DROP INDEX IF EXISTS ix_roadmaps_title_trgm")
    op.execute("DROP INDEX IF EXISTS ix_roadmap_tasks_goal_trgm")
