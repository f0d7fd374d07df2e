#!/usr/bin/env bash
# The stage of the scene PHASE-C: stage.sh DIR scene|clean
#
# PGHOST is the socket folder of a cluster of its own, where `postgres` is the superuser. In the scene one
# function writes without the shared lock, and a weekly job reports to a monitor that expects it daily.
set -eu
dir=$1 kind=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"/{bin,backups,etc/cron.d,kuma,scratch}
export PGUSER=postgres
psql -X -q -v ON_ERROR_STOP=1 -d postgres -f "$here/stage.sql" > /dev/null
if [[ $kind == scene ]]; then
  psql -X -q -v ON_ERROR_STOP=1 -d shop -c "CREATE FUNCTION app.import() RETURNS void LANGUAGE plpgsql AS
    'BEGIN TRUNCATE app.t_003; INSERT INTO app.t_003 SELECT * FROM app.t_001; END'"
fi
for script in pg-backup.sh apply.sh; do
  sed "s|@DIR@|$dir|g" "$here/$script" > "$dir/bin/$script"
  chmod 755 "$dir/bin/$script"
done
echo "17 4 * * * backup $dir/bin/pg-backup.sh" > "$dir/pg-backup.cron"
# A job of another name, that reports weekly in the scene; three days ago.
day=$([[ $kind == scene ]] && date -u -d '3 days ago' +%w || echo '*')
echo "30 5 * * $day backup $dir/bin/offsite.sh" > "$dir/etc/cron.d/offsite"
python3 "$here/kuma.py" "$here/../kuma/schema-1.sql" "$here/../kuma/schema-2.sql" "$dir/kuma/kuma.db" "$kind"
