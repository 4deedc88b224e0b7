#!/bin/sh
# Writes the secrets that docker-compose.yml mounts, each once: what is there is kept.
# Put your model's key into deploy/secrets/llm_api_key.
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
# containers read them as another user: the folder keeps others out on this machine
secret() { [ -e "$folder/$1" ] || { printf %s "$2" > "$folder/$1" && chmod 644 "$folder/$1"; }; }
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

secret postgres_password "$(random)"
secret postgres_owner_password "$(random)"
secret postgres_app_password "$(random)"
secret redis_password "$(random)"
for user in broker publisher reader; do secret "redis_${user}_password" "$(random)"; done
secret auth_secret "$(random)"
secret flower_auth "admin:$(random)"
secret grafana_password "$(random)"
secret llm_api_key ""
postgres() { echo "postgresql+asyncpg://roadmap_$1:$(cat "$folder/postgres_$1_password")@postgres:5432/roadmap"; }
secret database_url "$(postgres app)"
secret migration_database_url "$(postgres owner)"
redis() { echo "redis://roadmap-$1:$(cat "$folder/redis_$1_password")@redis:6379/0"; }
secret broker_url "$(redis broker)"
secret redis_url "$(redis publisher)"
secret reader_url "$(redis reader)"
echo "secrets are in $folder"
