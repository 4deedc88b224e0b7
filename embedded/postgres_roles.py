"""Two roles below the superuser: one owns the tables, one only reads and writes their rows.

The superuser may run programs of the machine (`COPY … FROM PROGRAM`) and read its files, so it is
for setting up only. The script may run at every start; it also takes over what the superuser made
in databases of earlier versions.
"""

from dataclasses import dataclass, field
from pathlib import Path

from embedded.folder import ServerFolder

OWNER = "roadmap_owner"
APPLICATION = "roadmap_app"

_SCRIPT = """
SET log_min_error_statement = panic;  -- no password in the log
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY[{owner}, {application}]) AS name
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) \\gexec
ALTER ROLE {owner_name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD {owner_password};
ALTER ROLE {application_name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD {application_password};
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname) FROM pg_database
WHERE datname IN (current_database(), 'postgres', 'template1') \\gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO {owner_name}, {application_name}',
    current_database()) \\gexec
ALTER SCHEMA public OWNER TO {owner_name};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {application_name};
SELECT format('ALTER %s %s OWNER TO {owner_name}', kind, name) FROM (
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
        format('public.%I', relname), relowner
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
        AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid
            AND classid = 'pg_class'::regclass AND relkind = 'S' AND deptype IN ('a', 'i'))
    UNION ALL SELECT 'ROUTINE', oid::regprocedure::text, proowner
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'TYPE', format('public.%I', typname), typowner
    FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
) AS things(kind, name, belongs_to) WHERE belongs_to = current_user::regrole \\gexec
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {application_name};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {application_name};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner_name} IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application_name};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner_name} IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO {application_name};
"""


@dataclass(frozen=True, kw_only=True)
class RolePasswords:
    """The passwords of both roles; letters and digits, so that they need no quoting."""

    owner: str = field(repr=False)
    application: str = field(repr=False)


def roles_script(passwords: RolePasswords) -> str:
    """Return what psql runs, as the superuser, in the database that the roles are for."""
    return _SCRIPT.format(
        owner=_quoted(OWNER),
        application=_quoted(APPLICATION),
        owner_name=OWNER,
        application_name=APPLICATION,
        owner_password=_quoted(passwords.owner),
        application_password=_quoted(passwords.application),
    )


def as_owner(url: str, data_dir: Path) -> str | None:
    """Return an address of the application's role as the owner's; None if it is of no server here.

    Args:
        url: What the processes of a stack are given.
        data_dir: The folder of its servers.
    """
    folder = ServerFolder(data_dir, "postgres")
    try:
        owner, application = folder.known_secret("owner"), folder.known_secret("app")
    except OSError:
        return None
    login = f"//{APPLICATION}:{application}@"
    return url.replace(login, f"//{OWNER}:{owner}@") if login in url else None


def _quoted(text: str) -> str:
    if not text.replace("_", "").isalnum():
        raise ValueError("only letters, digits and underscores need no quoting")
    return f"'{text}'"
