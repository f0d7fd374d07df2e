#!/bin/bash
# Drill of a large dump against the same work by hand: `createdb` and `pg_restore -j2` (or
# `zcat | psql`) into a cluster with the same settings.
# Usage: [ROUNDS=2] benches/drill.sh FOLDER   (with dump.custom and dump.sql.gz in it); EVIDENCE names the binary.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath "$1")
evidence=${EVIDENCE:-$here/target/release/evidence}
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
work=$(mktemp -d "${TMPDIR:-/tmp}/evidence-bench-XXXXXX")
trap 'stop; rm -rf "$work"' EXIT
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; else "$@"; fi; }
now() { date +%s.%N; }
settings="-c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c wal_level=minimal"
settings+=" -c max_wal_senders=0 -c max_wal_size=1GB -c checkpoint_timeout=1h -c autovacuum=off -c jit=off"
settings+=" -c shared_buffers=256MB -c maintenance_work_mem=256MB -c max_connections=80"

stop() { [ -f "$work/data/postmaster.pid" ] && as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null || true; }

by_hand() { # FILE: seconds of initdb, start, createdb and restore; and of the restore alone
    rm -rf "$work/data"; chmod 755 "$work"; [ "$(id -u)" = 0 ] && chown 65534 "$work"
    local begin restore end
    begin=$(now)
    as "$bin/initdb" -A trust --no-sync -E UTF8 --locale=C -U postgres -D "$work/data" >/dev/null
    as "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "$settings -c unix_socket_directories=$work" start >/dev/null
    "$bin/createdb" -h "$work" -U postgres -T template0 drill
    restore=$(now)
    case $1 in
    *.custom) "$bin/pg_restore" -h "$work" -U postgres -d drill -j2 "$1" >/dev/null 2>&1 || true ;;
    *) zcat "$1" | "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work" -U postgres -d drill -o /dev/null >/dev/null 2>&1 || true ;;
    esac
    end=$(now)
    stop
    echo "$begin $restore $end" | awk '{ printf "%.1f %.1f", $3 - $1, $3 - $2 }'
}

drill() { # FILE: the fact of one drill, as JSON, and our peak memory in KiB
    local root=$work/root; rm -rf "$root"; mkdir -p "$root/reports/b" "$root/policies"
    printf 'policy: b\nchecks: [{ id: C, title: c, require: { fact: d.complete, equals: true } }]\n' > "$root/policies/b.yaml"
    printf 'case: b\ntitle: b\ntemplate: incident\npolicy: b\ncollect:\n  - { id: d, uses: restore.drill, with: { path: "%s" } }\n' \
        "$1" > "$root/reports/b/case.yaml"
    # The kernel's own high-water mark of our process alone: `time` would give that of its largest child.
    "$evidence" --root "$root" collect b >/dev/null &
    while grep VmHWM "/proc/$!/status" > "$work/peak.now" 2>/dev/null; do
        [ -s "$work/peak.now" ] && awk '{ print $2 }' "$work/peak.now" > "$work/peak"
        sleep 0.2
    done
    wait || true
    cat "$root"/reports/b/runs/*/data/facts.jsonl
}

echo "load before: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
for file in "$folder/dump.custom" "$folder/dump.sql.gz"; do
    [ -f "$file" ] || continue
    cat "$file" > /dev/null
    for round in $(seq "${ROUNDS:-2}"); do
        read -r hand_all hand_restore <<< "$(by_hand "$file")"
        drill "$file" > "$work/fact"
        python3 - "$work/fact" "$work/peak" "$hand_all" "$hand_restore" "$(basename "$file") round $round" <<'PY'
import json, sys
fact = json.loads(open(sys.argv[1]).readline())
values = fact.get("fact", fact)["values"]
peak = int(open(sys.argv[2]).read().split()[-1]) / 1024
hand_all, hand_restore = float(sys.argv[3]), float(sys.argv[4])
restore, whole = values["restore_seconds"], values["seconds"]
print(f"{sys.argv[5]}: by hand {hand_all:.1f} s (restore {hand_restore:.1f}), drill {whole:.1f} s (restore {restore:.1f}), "
      f"restore ratio {restore / hand_restore:.3f}, scratch {values['scratch_peak_bytes'] / 2**20:.0f} MiB, our peak {peak:.0f} MiB, "
      f"complete {values['complete']}, counts_equal {values.get('counts_equal')}")
print("   steps: " + ", ".join(f"{s['step']} {s['seconds']}" for s in values["steps"]))
PY
    done
done
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
