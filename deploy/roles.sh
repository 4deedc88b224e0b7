#!/bin/sh
# Makes the two roles in docker-compose.yml's PostgreSQL: by itself on a new volume; on one of an
# earlier release once by hand, `docker compose exec postgres sh /docker-entrypoint-initdb.d/roles.sh`.
set -eu
secret() { cat "/run/secrets/$1"; }
psql --no-psqlrc --quiet --username=roadmap --dbname=roadmap \
    -v owner_password="$(secret postgres_owner_password)" \
    -v app_password="$(secret postgres_app_password)" -f /etc/roadmap/roles.sql
