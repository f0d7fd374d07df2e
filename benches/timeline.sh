#!/bin/sh
# Timeline and contradictions over 1 GB of log lines, beside `grep -E` with the same patterns. Prints
# MB/s, the ratio, and peak memory. `BYTES` and `PROFILE` (release) may be set.
set -eu
cd "$(dirname "$0")/.."
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
bytes=${BYTES:-1000000000}
python3 - "$made" "$bytes" <<'PY'
import re, sys, datetime
folder, size = sys.argv[1], int(sys.argv[2])
# A night a minute: a backup of eight lines among requests of an application.
out, day = bytearray(), datetime.datetime(2026, 1, 1)
with open(folder + "/log", "wb") as file:
    written = n = 0
    while written < size:
        day += datetime.timedelta(seconds=1)
        stamp = day.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"{stamp} host app[{(n + k) % 999}]: request {n + k} of user u{(n * 7 + k) % 5003} served from cache in {k % 37} ms" for k in range(40)]
        if n % 120000 == 0:
            lines += [f"{stamp} backup started", f"{stamp} [1/2] dumping", f"{stamp} [2/2] uploading", f"{stamp} backup completed in 0 s"]
        n += 40
        block = ("\n".join(lines) + "\n").encode()
        file.write(block)
        written += len(block)
# The same patterns as one list for grep: POSIX has no lazy repetition, no named groups, no inline flags.
import subprocess
text = open("policies/events/common.yaml").read().split("except:")[0]
patterns = re.findall(r"pattern: '((?:[^']|'')*)'", text)
def posix(p):
    p = p.replace("(?P<subject>", "(").replace("(?P<i>", "(").replace("(?P<n>", "(").replace("(?-i:", "(")
    p = p.replace("(?:", "(").replace("*?", "*").replace("+?", "+").replace("}?", "}").replace("]?)", "]?)")
    p = p.replace(r"\n", "").replace(r"\.", "[.]").replace("[^]", ".")
    p = p.replace(r"\[", "[[]").replace(r"\]", "[]]").replace(r"\(", "[(]").replace(r"\)", "[)]")
    return p
open(folder + "/patterns", "w").write("\n".join(posix(p) for p in patterns) + "\n")
PY
profile=${PROFILE:-release}
if [ "$profile" = release ]; then flags=--release; else flags="--config profile.dev.opt-level=3"; fi
# shellcheck disable=SC2086
program=$("${CARGO:-cargo}" test $flags --lib --no-run 2>&1 | sed -n 's/.*(\(target[^)]*\)).*/\1/p')
export EVIDENCE_BENCH_LOG="$made/log"
cat "$made/log" > /dev/null
echo "timeline and contradictions:"
/usr/bin/time -f "  both passes: %e s, %U s user, %M KiB" "$program" --exact collect::timeline::tests::speed --ignored --nocapture | grep milliseconds
echo "grep -E -i (C locale), counting:"
LC_ALL=C /usr/bin/time -f "  %e s, %U s user, %M KiB" grep -c -E -i -f "$made/patterns" "$made/log"
echo "grep -E -i (UTF-8 locale), counting:"
LC_ALL=C.UTF-8 /usr/bin/time -f "  %e s, %U s user, %M KiB" grep -c -E -i -f "$made/patterns" "$made/log"
echo "sha256sum, which each of our passes also does:"
/usr/bin/time -f "  %e s, %U s user, %M KiB" sha256sum "$made/log" > /dev/null
