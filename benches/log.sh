#!/bin/sh
# One pass over a log of 4,000,000 lines: three patterns, then a window of time; each beside
# `sha256sum` of the same file, which is part of the pass. Prints time and peak memory.
set -eu
cd "$(dirname "$0")/.."
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
python3 - "$made/log" <<'PY'
import sys
with open(sys.argv[1], "w") as file:
    for i in range(4_000_000):
        time = f"{i // 166667:02d}:{i // 2778 % 60:02d}:{i // 47 % 60:02d}"
        file.write(f"2026-05-15 {time} host app[{i % 999}]: request {i} served from cache in {i % 37} ms\n")
        if i % 100_000 == 0:
            file.write("pg_dump: error: permission denied for schema x\n")
PY
program=$(cargo test --release --lib --no-run 2>&1 | sed -n 's/.*(\(target[^)]*\)).*/\1/p')
export EVIDENCE_BENCH_LOG="$made/log"
ours() { /usr/bin/time -f "  %e s, %U s user, %M KiB" "$program" --exact collect::log::tests::speed --ignored > /dev/null; }
echo "patterns:"
ours
echo "window:"
EVIDENCE_BENCH_WITH="around: '2026-05-15T10:00:00Z'" ours
echo "sha256sum:"
/usr/bin/time -f "  %e s, %U s user, %M KiB" sha256sum "$made/log" > /dev/null
