#!/usr/bin/env python3
"""Measures the examiner against the usual tools, as ratios within one run.

    benches/examine.py SCRATCH --default BIN [--isal BIN] [--rounds N] [--ten-gigabytes] [--markdown FILE]

SCRATCH is a folder for about 6 GB of data, made by examine-data.sh when it is not there yet.
BIN is a command that examines the path it is given, such as "target/release/evidence examine";
the option that asks for payload digests is added to it. References and candidates take turns, and
the best wall time of N rounds is taken of each, so that a noisy moment hurts both alike.
"""

import argparse
import os
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

SEQUENCE = "sha256sum {0}; gzip -t {0}; zcat {0} | head -n 20; zcat {0} | grep -c '^CREATE TABLE'; zcat {0} | grep -c '^COPY'; zcat {0} | wc -c"


def measure(command, stdin=None):
    """Wall seconds, CPU seconds and peak KiB of one run."""
    begin = time.monotonic()
    child = subprocess.Popen(
        ["bash", "-c", command], stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, child.returncode


def best(commands, rounds):
    """The best run of each command, taking turns."""
    results = {}
    for _ in range(rounds):
        for name, command in commands.items():
            wall, cpu, rss, code = measure(command)
            old = results.get(name)
            if old is None or wall < old[0]:
                results[name] = (wall, cpu, max(rss, old[2] if old else 0), code)
    return results


def rows(scratch, builds, digests):
    """What is measured: title, reference, then candidate and target by build."""
    path = lambda name: shlex.quote(str(scratch / name))
    candidate = lambda build, name, extra="": f"exec {builds[build]}{extra} {path(name)}"
    table = [
        ("sql.gz", f"exec igzip -t {path('dump.sql.gz')}", "dump.sql.gz", "", {"isal": 1.00, "default": 1.55}),
        ("sql.gz, payload digests", f"exec igzip -t {path('dump.sql.gz')}", "dump.sql.gz", digests, {"isal": 1.20, "default": 1.75}),
        ("sql.gz, digests, no restrict lines", f"exec igzip -t {path('plain.sql.gz')}", "plain.sql.gz", digests, {"isal": 1.20, "default": 1.75}),
        ("sql.gz against the usual sequence", SEQUENCE.format(path("dump.sql.gz")), "dump.sql.gz", "", {"isal": 1 / 20, "default": 1 / 13}),
        ("custom format", f"exec pg_restore -f /dev/null {path('dump.custom')}", "dump.custom", "", {"isal": 0.33, "default": 0.63}),
        ("plain sql", f"exec openssl dgst -sha256 {path('dump.sql')}", "dump.sql", "", {"isal": 1.10, "default": 1.10}),
        ("zstd", f"exec zstd -qt {path('dump.sql.zst')}", "dump.sql.zst", "", {"isal": 1.05, "default": 1.05}),
    ]
    for title, reference, name, extra, targets in table:
        yield title, reference, {build: (candidate(build, name, extra), targets[build]) for build in builds}
    for build in builds:
        # The reference is the same build on the inner file.
        inner = candidate(build, "dump.sql.gz")
        yield f"tar.gz of sql.gz, {build}", inner, {build: (candidate(build, "dump.tar.gz"), 1.10)}


def warm(scratch):
    for name in scratch.glob("*.*"):
        if name.is_file():
            subprocess.run(["cat", name], stdout=subprocess.DEVNULL, check=True)


def ten_gigabytes(scratch, builds):
    """Peak memory for 10 GB that never exist on disk: one member after the other through a pipe."""
    size = (scratch / "dump.sql").stat().st_size
    times = -(-10_000_000_000 // size)
    small = shlex.quote(str(scratch / "dump-1.sql.gz"))
    for build, command in builds.items():
        one = measure(f"exec {command} {small}")[2]
        pipe = subprocess.Popen(["bash", "-c", f"for i in $(seq {times}); do cat {small}; done"], stdout=subprocess.PIPE)
        wall, _, many, code = measure(f"exec {command} -", stdin=pipe.stdout)
        pipe.stdout.close()
        pipe.wait()
        print(f"| peak memory, {build} | {one / 1024:.1f} MiB for {size / 1e9:.1f} GB | {many / 1024:.1f} MiB for "
              f"{times * size / 1e9:.1f} GB ({wall:.0f} s, exit {code}) | at most 24 MiB, the same | "
              f"{'met' if max(one, many) <= 24 * 1024 else 'MISSED'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--default", required=True)
    parser.add_argument("--isal")
    parser.add_argument("--digests", default=" --payload-digest", help="the option that asks for payload digests")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ten-gigabytes", action="store_true")
    options = parser.parse_args()
    builds = {"default": options.default, **({"isal": options.isal} if options.isal else {})}
    scratch = options.scratch.resolve()
    if not (scratch / "plain.sql.gz").exists():
        subprocess.run([Path(__file__).with_name("examine-data.sh"), scratch], check=True, stdout=sys.stderr)
    warm(scratch)
    print(f"load before: {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores, best of {options.rounds}, "
          f"dump.sql is {(scratch / 'dump.sql').stat().st_size / 1e9:.2f} GB\n")
    print("| what | reference (s) | build | wall (s) | CPU (s) | peak MiB | ratio | at most | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for title, reference, candidates in rows(scratch, builds, " " + options.digests.strip()):
        result = best({"reference": reference, **{b: c for b, (c, _) in candidates.items()}}, options.rounds)
        base = result["reference"][0]
        for build, (_, target) in candidates.items():
            wall, cpu, rss, code = result[build]
            ratio = wall / base
            verdict = "met" if ratio <= target else "MISSED"
            if code not in (0, 1, 3):
                verdict = f"FAILED with {code}"
            print(f"| {title} | {base:.3f} | {build} | {wall:.3f} | {cpu:.2f} | {rss / 1024:.1f} | {ratio:.3f} | {target:.3f} | {verdict} |", flush=True)
    if options.ten_gigabytes:
        ten_gigabytes(scratch, builds)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
