-- Two roles for a database of yours: one owns the tables and migrates, one only reads and writes
-- rows. Run it as a superuser in that database, once, or again at any time:
--
--   psql -v owner_password=… -v app_password=… -f deploy/roles.sql postgresql://…/roadmap
--
-- What was made there before by whoever runs this (as by releases without roles) is handed over.
\set ON_ERROR_STOP on
SET log_min_error_statement = panic;  -- no password in the log
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['roadmap_owner', 'roadmap_app']) AS name
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE roadmap_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE roadmap_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO roadmap_owner, roadmap_app', current_database()) \gexec
ALTER SCHEMA public OWNER TO roadmap_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO roadmap_app;
SELECT format('ALTER %s %s OWNER TO roadmap_owner', kind, name) FROM (
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
        format('public.%I', relname), relowner
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
        AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid
            AND classid = 'pg_class'::regclass AND relkind = 'S' AND deptype IN ('a', 'i'))
    UNION ALL SELECT 'ROUTINE', oid::regprocedure::text, proowner
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'TYPE', format('public.%I', typname), typowner
    FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
) AS things(kind, name, belongs_to) WHERE belongs_to = current_user::regrole \gexec
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO roadmap_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO roadmap_app;
ALTER DEFAULT PRIVILEGES FOR ROLE roadmap_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO roadmap_app;
ALTER DEFAULT PRIVILEGES FOR ROLE roadmap_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO roadmap_app;
