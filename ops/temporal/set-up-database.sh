#!/bin/sh
# Makes the databases of a Temporal server in PostgreSQL, or brings them up to the version of this image. Harmless to repeat.
set -eu

for part in temporal visibility; do
  database=temporal
  [ "$part" = visibility ] && database=temporal_visibility
  tool() {
    temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_SEEDS" --port "${DB_PORT:-5432}" --user "$POSTGRES_USER" \
      --password "$(cat /run/secrets/postgres_password)" --database "$database" "$@"
  }
  tool create-database
  # Where there is a schema already this changes nothing, and says so.
  tool setup-schema --version 0.0 || true
  tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$part/versioned"
done
