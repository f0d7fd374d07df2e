#!/bin/sh
# Inventory of 100,000 small files with SHA-256, as a ratio to what people type. Makes its own files;
# prints the best of five runs of each and the ratio, which is to be at most 0.30.
# Usage: benches/files.sh [FOLDER]   (an existing folder is measured as it is)
set -eu
cd "$(dirname "$0")/.."
folder=${1:-}
made=
if [ -z "$folder" ]; then
    made=$(mktemp -d)
    folder=$made
    trap 'rm -rf "$made"' EXIT
    python3 - "$folder" <<'PY'
import os, random, sys
random.seed(1)
for i in range(100_000):
    below = os.path.join(sys.argv[1], f"{i // 1000:03}")
    if i % 1000 == 0:
        os.mkdir(below)
    with open(os.path.join(below, f"{i:06}"), "wb") as file:
        file.write(random.randbytes(random.randint(100, 3000)))
PY
fi

milliseconds() { date +%s%N | cut -c1-13; }

best() {
    least=
    for _ in 1 2 3 4 5; do
        took=$("$@")
        if [ -z "$least" ] || [ "$took" -lt "$least" ]; then least=$took; fi
    done
    echo "$least"
}

typed() {
    begin=$(milliseconds)
    find "$folder" -type f -print0 | xargs -0 -P2 sha256sum > /dev/null
    echo $(($(milliseconds) - begin))
}

ours() {
    EVIDENCE_BENCH_FOLDER=$folder "$program" --exact collect::files::tests::speed --ignored --nocapture |
        sed -n 's/.*milliseconds \([0-9]*\).*/\1/p'
}

cargo test --release --lib --no-run --quiet
program=$(cargo test --release --lib --no-run 2>&1 | sed -n 's/.*(\(target[^)]*\)).*/\1/p')
typed=$(best typed)
ours=$(best ours)
echo "find | xargs -P2 sha256sum: ${typed} ms"
echo "evidence, collector files:  ${ours} ms"
echo "ratio: $(awk "BEGIN { printf \"%.2f\", $ours / $typed }")"
