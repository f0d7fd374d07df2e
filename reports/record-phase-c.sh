#!/usr/bin/env bash
# Records reports/phase-c anew: a cluster of its own, the grants that the guard proposes, the governed action,
# and drills of both backups, on a host with an invented name.
source "$(dirname "$0")/recording.sh"
stage=/srv/phase-c cluster=/srv/phase-c-pg
binaries=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
as_postgres() { (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"); }
stop() { as_postgres "$binaries/pg_ctl" -D "$cluster/data" -m immediate -w stop > /dev/null || true; }
trap 'stop; rm -rf "$stage" "$cluster" /srv/phase-c-case' EXIT
rm -rf "$stage" "$cluster" /srv/phase-c-case
install -D -m 0755 "$EVIDENCE" /srv/phase-c-case/bin/evidence
mkdir -p /srv/phase-c-case/reports/phase-c "$cluster"
chown postgres: "$cluster"
as_postgres "$binaries/initdb" -U postgres -A trust -E UTF8 --no-locale -D "$cluster/data" > /dev/null
as_postgres "$binaries/pg_ctl" -D "$cluster/data" -l "$cluster/log" -w start \
  -o "-c listen_addresses='' -c unix_socket_directories='$cluster'" > /dev/null
export PGHOST=$cluster
bash tests/scenes/phase-c/stage.sh "$stage" scene
sed -e "s|@DIR@|$stage|g" -e "s|@SOCKET@|$cluster|" tests/scenes/phase-c/case.yaml > /srv/phase-c-case/reports/phase-c/case.yaml
evidence() { (cd /srv/phase-c-case && on_host db1.example.org /srv/phase-c-case/bin/evidence "$@"); }
# A look first: what it proposes is what the action applies.
evidence collect phase-c > /dev/null || (($? == 1 || $? == 3))
python3 tests/scenes/phase-c/grants.py /srv/phase-c-case/reports/phase-c/runs/*/data/facts.jsonl "$stage/grants.sql" "$stage/rollback.sql"
rm -r /srv/phase-c-case/reports/phase-c/runs
evidence run phase-c || (($? == 1))
evidence render phase-c
take_over phase-c /srv/phase-c-case
