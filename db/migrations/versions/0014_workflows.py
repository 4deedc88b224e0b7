"""Tasks of any workflow: what a task runs, and parts that need no roadmap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_WORKING = (
    "intent_analysis",
    "curriculum_design",
    "structure_validation",
    "edit_plan_analysis",
    "roadmap_edit",
    "content_generation",
)
_RESERVED = ("queued", "human_review", "resuming", "completed")
_EVERY = """
    (status = 'pending' AND current_step IN ('queued'))
    OR (status = 'processing' AND current_step NOT IN ('completed', 'human_review', 'queued'))
    OR (status = 'human_review_pending' AND current_step IN ('human_review'))
    OR (status = 'completed' AND current_step IN ('completed'))
    OR (status IN ('partial_failure', 'failed')
        AND current_step NOT IN ('completed', 'human_review', 'queued', 'resuming'))
    OR (status = 'cancelled' AND current_step NOT IN ('completed'))
"""


def _names(*names: str) -> str:
    return ", ".join(f"'{name}'" for name in names)


_OF_ROADMAPS = f"""
    (status = 'pending' AND current_step = 'queued')
    OR (status = 'processing' AND current_step IN ({_names(*_WORKING, "resuming")}))
    OR (status = 'human_review_pending' AND current_step = 'human_review')
    OR (status = 'completed' AND current_step = 'completed')
    OR (status = 'partial_failure' AND current_step = 'content_generation')
    OR (status = 'failed' AND current_step IN ({_names(*_WORKING)}))
    OR (status = 'cancelled' AND current_step IN
        ({_names(*_WORKING, "queued", "resuming", "human_review")}))
"""

# What the release before, and other programs, know: a roadmap's parts without the new columns.
_VIEW = """
CREATE VIEW contents AS
  SELECT content_id, roadmap_id, concept_id, kind, version, status, input_digest, body, error,
    created_at, started_at, finished_at, calls, tokens, prompt_tokens, completion_tokens, cost
  FROM parts WHERE roadmap_id IS NOT NULL
"""
# A worker of the release before writes on while this one is rolled out: it knows nothing of the
# columns that tell a part's task, step, key and title, nor that a removed concept's parts are
# hidden, nor of the task's title.
_FILL = """
CREATE FUNCTION parts_complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT r.task_id, 'content_generation', NEW.concept_id::text, c.title
    INTO NEW.task_id, NEW.step, NEW.key, NEW.title
    FROM roadmaps r, concepts c
    WHERE r.roadmap_id = NEW.roadmap_id AND c.concept_id = NEW.concept_id;
  RETURN NEW;
END $$
"""
_HIDE = """
CREATE FUNCTION concepts_hide_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE parts SET hidden = NEW.removed WHERE concept_id = NEW.concept_id;
  RETURN NULL;
END $$
"""
_TITLE = """
CREATE FUNCTION roadmaps_title_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE roadmap_tasks SET title = NEW.title
    WHERE task_id = NEW.task_id AND title IS DISTINCT FROM NEW.title;
  RETURN NULL;
END $$
"""
_RENAME = """
DO $$
DECLARE found record;
BEGIN
  FOR found IN SELECT conname AS name, conrelid::regclass AS of FROM pg_constraint
    WHERE conrelid IN ('{table}'::regclass, 'renderings'::regclass) AND conname LIKE '%{old}%'
  LOOP
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I',
      found.of, found.name, replace(found.name, '{old}', '{new}'));
  END LOOP;
END $$
"""


def _renamed(old: str, new: str) -> None:
    """Rename the table, and with it its constraints and indexes, by the names' convention."""
    op.execute(f"ALTER TABLE {old} RENAME TO {new}")
    op.execute(_RENAME.format(table=new, old=old, new=new))


# The extension is there when the migration before could have it; see there.
_SEARCH = """
DO $$
DECLARE place text;
BEGIN
    SELECT quote_ident(nspname) INTO place
    FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
    WHERE extname = 'pg_trgm' AND has_schema_privilege(n.oid, 'USAGE');
    IF place IS NOT NULL THEN
        EXECUTE format('CREATE INDEX IF NOT EXISTS ix_roadmap_tasks_title_trgm ON roadmap_tasks'
            ' USING gin (title %s.gin_trgm_ops)', place);
    END IF;
END $$
"""


# Everything is locked at once and before any work, in the order in which workers write, so that a
# deadlock with one of them costs nothing.
_LOCK = "LOCK TABLE roadmap_tasks, roadmaps, concepts, contents IN ACCESS EXCLUSIVE MODE"
# Whoever could read the table, as programs of others with roles of their own, can read the view.
_GRANT = """
DO $$
DECLARE given record;
BEGIN
  FOR given IN
    SELECT privilege_type AS what, is_grantable AS passable,
      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS who
    FROM pg_class, aclexplode(relacl) WHERE oid = 'parts'::regclass AND grantee <> relowner
  LOOP
    EXECUTE format('GRANT %s ON contents TO %s%s', given.what, given.who,
      CASE WHEN given.passable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute(_LOCK)
    op.create_table(
        "workflow_steps",
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workflow", "step", name=op.f("pk_workflow_steps")),
    )
    steps = sa.table("workflow_steps", sa.column("workflow"), sa.column("step"))
    op.bulk_insert(
        steps, [{"workflow": "roadmap", "step": step} for step in (*_WORKING, *_RESERVED)]
    )
    op.add_column(
        "roadmap_tasks",
        sa.Column("workflow", sa.Text(), server_default="roadmap", nullable=False),
    )
    op.add_column("roadmap_tasks", sa.Column("title", sa.Text(), nullable=True))
    op.execute(_SEARCH)
    op.execute(
        "UPDATE roadmap_tasks task SET title = roadmaps.title FROM roadmaps"
        " WHERE roadmaps.task_id = task.task_id"
    )
    op.drop_constraint(op.f("ck_roadmap_tasks_status_step_pair"), "roadmap_tasks", type_="check")
    op.create_check_constraint(op.f("ck_roadmap_tasks_status_step_pair"), "roadmap_tasks", _EVERY)
    op.create_check_constraint(
        op.f("ck_roadmap_tasks_roadmap_pair"),
        "roadmap_tasks",
        f"workflow <> 'roadmap' OR ({_OF_ROADMAPS})",
    )
    op.create_foreign_key(
        op.f("fk_roadmap_tasks_workflow_workflow_steps"),
        "roadmap_tasks",
        "workflow_steps",
        ["workflow", "current_step"],
        ["workflow", "step"],
    )
    _widen_contents()


def _widen_contents() -> None:
    for name in ("task_id", "step", "key", "title"):
        kind = sa.UUID() if name == "task_id" else sa.Text()
        op.add_column("contents", sa.Column(name, kind, nullable=True))
    op.add_column(
        "contents", sa.Column("hidden", sa.Boolean(), server_default="false", nullable=False)
    )
    # every row is written: what can be made anew afterwards is not kept up meanwhile
    op.drop_constraint(op.f("uq_contents_concept_id_kind_version"), "contents", type_="unique")
    op.drop_index("ix_contents_roadmap_id", table_name="contents")
    op.drop_index("ix_contents_failed", table_name="contents")
    op.execute(
        "UPDATE contents SET task_id = r.task_id, step = 'content_generation',"
        " key = c.concept_id::text, title = c.title, hidden = c.removed"
        " FROM roadmaps r, concepts c"
        " WHERE r.roadmap_id = contents.roadmap_id AND c.concept_id = contents.concept_id"
    )
    op.drop_constraint(op.f("ck_contents_kind"), "contents", type_="check")
    _renamed("contents", "parts")
    for name in ("task_id", "step", "key", "title"):
        op.alter_column("parts", name, nullable=False)
    for name in ("roadmap_id", "concept_id"):
        op.alter_column("parts", name, nullable=True)
    op.create_foreign_key(
        op.f("fk_parts_task_id_roadmap_tasks"),
        "parts",
        "roadmap_tasks",
        ["task_id"],
        ["task_id"],
        ondelete="CASCADE",
    )
    op.create_unique_constraint(
        op.f("uq_parts_concept_id_kind_version"), "parts", ["concept_id", "kind", "version"]
    )
    op.create_index("ix_parts_roadmap_id", "parts", ["roadmap_id"])
    op.create_unique_constraint(
        op.f("uq_parts_task_id_step_key_kind_version"),
        "parts",
        ["task_id", "step", "key", "kind", "version"],
    )
    op.create_index(
        "ix_parts_failed",
        "parts",
        ["task_id", "step", "key", "kind"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.execute(_VIEW)
    op.execute(_GRANT)
    op.execute(_FILL)
    op.execute(
        "CREATE TRIGGER parts_complete BEFORE INSERT ON parts"
        " FOR EACH ROW WHEN (NEW.task_id IS NULL) EXECUTE FUNCTION parts_complete()"
    )
    op.execute(_HIDE)
    op.execute(
        "CREATE TRIGGER concepts_hide_parts AFTER UPDATE OF removed ON concepts"
        " FOR EACH ROW WHEN (NEW.removed <> OLD.removed) EXECUTE FUNCTION concepts_hide_parts()"
    )
    op.execute(_TITLE)
    op.execute(
        "CREATE TRIGGER roadmaps_title_task AFTER INSERT OR UPDATE OF title ON roadmaps"
        " FOR EACH ROW EXECUTE FUNCTION roadmaps_title_task()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER roadmaps_title_task ON roadmaps")
    op.execute("DROP FUNCTION roadmaps_title_task()")
    op.execute("DROP TRIGGER concepts_hide_parts ON concepts")
    op.execute("DROP FUNCTION concepts_hide_parts()")
    op.execute("DROP TRIGGER parts_complete ON parts")
    op.execute("DROP FUNCTION parts_complete()")
    op.execute("DROP VIEW contents")
    # the release before can do nothing with what is no roadmap
    op.execute("DELETE FROM roadmap_tasks WHERE workflow <> 'roadmap'")
    op.execute("DELETE FROM parts WHERE kind NOT IN ('tutorial', 'resources', 'quiz')")
    op.drop_index("ix_parts_failed", table_name="parts")
    op.drop_constraint(op.f("uq_parts_task_id_step_key_kind_version"), "parts", type_="unique")
    op.drop_constraint(op.f("fk_parts_task_id_roadmap_tasks"), "parts", type_="foreignkey")
    for name in ("hidden", "title", "key", "step", "task_id"):
        op.drop_column("parts", name)
    for name in ("roadmap_id", "concept_id"):
        op.alter_column("parts", name, nullable=False)
    _renamed("parts", "contents")
    op.execute("ALTER INDEX ix_parts_roadmap_id RENAME TO ix_contents_roadmap_id")
    op.create_check_constraint(
        op.f("ck_contents_kind"), "contents", "kind IN ('tutorial', 'resources', 'quiz')"
    )
    op.create_index(
        "ix_contents_failed",
        "contents",
        ["roadmap_id", "concept_id", "kind"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.drop_constraint(
        op.f("fk_roadmap_tasks_workflow_workflow_steps"), "roadmap_tasks", type_="foreignkey"
    )
    op.drop_constraint(op.f("ck_roadmap_tasks_roadmap_pair"), "roadmap_tasks", type_="check")
    op.drop_constraint(op.f("ck_roadmap_tasks_status_step_pair"), "roadmap_tasks", type_="check")
    op.create_check_constraint(
        op.f("ck_roadmap_tasks_status_step_pair"), "roadmap_tasks", _OF_ROADMAPS
    )
    op.drop_column("roadmap_tasks", "title")
    op.drop_column("roadmap_tasks", "workflow")
    op.drop_table("workflow_steps")
