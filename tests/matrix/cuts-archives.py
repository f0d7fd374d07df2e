#!/usr/bin/env python3
"""Cuts and flips dumps at random and compares the verdict of `evidence examine` with a real restore.

Starts a server of its own, dumps a small database in every format that its `pg_dump` writes, and makes
`--cases` damaged files of each. Fails when a cut file is good or a sound one is bad. A flipped file that is
judged good and restores differently must carry the caveat `no_checksum`; the number of such files is printed.

    tests/matrix/cuts-archives.py --evidence target/debug/evidence --cases 2000
    tests/matrix/cuts-archives.py --tools /opt/postgresql-17/bin --formats custom-zstd,custom-lz4

`--tools` names the folder of pg_dump and pg_restore, `--server` that of initdb and pg_ctl. As root the server
runs as the user postgres.
"""

import argparse
import collections
import gzip
import io
import json
import os
import pwd
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile

SCHEMA = """
create table a(id int primary key, note text); insert into a select g, 'note number '||g from generate_series(1,60) g;
create table b(id int, t timestamptz); insert into b select g, '2026-01-01' from generate_series(1,20) g;
create table c(id int); create view v as select * from a; create index on a(note);
create function f() returns int language sql as 'select 1'; create sequence s; comment on table a is 'a comment';
select lo_from_bytea(16001,'hello'), lo_from_bytea(16002,''), lo_from_bytea(16003, decode(repeat('00',3000),'hex'));
"""
# Files that are examined by one call.
BATCH = 200


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


class Server:
    """A server of its own, with one database."""

    def __init__(self, folder, binaries):
        self.folder, self.binaries = folder, binaries
        self.as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        if self.as_postgres:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        self.data = os.path.join(folder, "data")
        self.call("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        self.call("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(folder, "log"), "-o", settings, "start")
        self.environment = dict(os.environ, PGHOST=folder, PGUSER="postgres", PGDATABASE="postgres")
        done = run(["psql", "-qX", "-v", "ON_ERROR_STOP=1"], input=SCHEMA.encode(), env=self.environment)
        if done.returncode:
            sys.exit(done.stderr.decode())

    def call(self, program, *arguments):
        done = subprocess.run(
            [*self.as_postgres, os.path.join(self.binaries, program), *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder,
        )
        if done.returncode:
            sys.exit(f"{program} failed with exit status {done.returncode}")

    def stop(self):
        self.call("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


class Formats:
    """Sound dumps by format, and how each is restored."""

    def __init__(self, server, tools, work):
        self.server, self.tools, self.work = server, tools, work
        self.number = 0

    def dump(self, *arguments, append=False):
        path = self.path()
        command = [os.path.join(self.tools, "pg_dump"), *arguments]
        if append:
            with open(path, "ab") as output:
                done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, env=self.server.environment)
        else:
            done = run([*command, "-f", path], env=self.server.environment)
        return None if done.returncode else path

    def path(self):
        self.number += 1
        return os.path.join(self.work, f"file-{self.number}")

    def all(self):
        """Name, bytes; without those that this pg_dump cannot write."""
        for name, arguments, append in [
            ("custom-gzip", ["-Fc", "-Z6"], False), ("custom-none", ["-Fc", "-Z0"], False),
            ("custom-zstd", ["-Fc", "-Zzstd"], False), ("custom-lz4", ["-Fc", "-Zlz4"], False),
            ("custom-appended", ["-Fc"], True), ("tar", ["-Ft"], False),
        ]:
            path = self.dump(*arguments, append=append)
            if path:
                yield name, open(path, "rb").read()
        for name, arguments in [("gzip", ["-Z6"]), ("none", ["-Z0"]), ("zstd", ["-Zzstd"]), ("lz4", ["-Zlz4"])]:
            folder = self.dump("-Fd", *arguments)
            if folder:
                yield f"directory-{name}-tar", self.tar(folder)
                yield f"directory-{name}-tgz", gzip.compress(self.tar(folder))
        plain = open(self.dump(), "rb").read()
        yield "sql.gz", gzip.compress(plain)
        if shutil.which("zstd"):
            yield "sql.zst", run(["zstd", "-qc"], input=plain).stdout
            yield "sql.zst-no-check", run(["zstd", "-qc", "--no-check"], input=plain).stdout
        if shutil.which("lz4"):
            yield "sql.lz4", run(["lz4", "-qc"], input=plain).stdout

    @staticmethod
    def tar(folder):
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
            archive.add(folder, "dump")
        return output.getvalue()

    def restore(self, name, data):
        """What a restore gives: exit status 0 and the SQL, or None."""
        if name.startswith("sql."):
            program = {"gz": ["gzip", "-dc"], "ls": ["lz4", "-dc"]}.get(name[4:6], ["zstd", "-dcq"])
            program = ["lz4", "-dcq"] if name == "sql.lz4" else program
            done = run(program, input=data)
            return None if done.returncode else done.stdout
        path = self.path()
        if name.startswith("directory"):
            os.mkdir(path)
            try:
                with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                    archive.extractall(path, filter="data")
            except Exception:  # whatever a damaged archive does to the library
                return None
            source = os.path.join(path, "dump")
        else:
            source = path
            with open(path, "wb") as output:
                output.write(data)
        done = run([os.path.join(self.tools, "pg_restore"), "-f", "-", source], timeout=60)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        # Random tokens, and comments that come from the header of the archive.
        left_out = (b"\\restrict", b"\\unrestrict", b"-- Dumped from database", b"-- Dumped by pg_dump")
        text = b"\n".join(line for line in done.stdout.split(b"\n") if not line.startswith(left_out))
        return None if done.returncode else text


def verdicts(evidence, work, files):
    """Quality and caveats of each file."""
    paths = []
    for number, data in enumerate(files):
        paths.append(os.path.join(work, f"case-{number}"))
        with open(paths[-1], "wb") as output:
            output.write(data)
    done = run([evidence, "examine", "--json", *paths])
    found = json.loads(done.stdout)
    rows = found.get("examinations") or found.get("files") or next(v for v in found.values() if isinstance(v, list))
    answers = []
    for row in rows:
        seen = row.get("examination", row)
        answers.append((seen["quality"], {caveat["id"] for caveat in seen["caveats"]}, seen))
    if len(answers) != len(paths):
        sys.exit(f"{len(paths)} files and {len(answers)} answers: {done.stderr.decode()[:500]}")
    return answers


def damaged(data, count, rng):
    """Cuts and flips, half of each; whether it is a cut, where, and the bytes."""
    for number in range(count):
        if number % 2:
            at = rng.randrange(len(data))
            flipped = bytearray(data)
            flipped[at] ^= 1 << rng.randrange(8)
            yield False, at, bytes(flipped)
        else:
            at = rng.randrange(len(data))
            yield True, at, data[:at]


def trailing_padding(name, data):
    """A tar without all of its closing zero blocks, but with one, is whole."""
    if not (name == "tar" or name.endswith("-tar")):
        return len(data)
    return len(data.rstrip(b"\0")) // 512 * 512 + 1024


def check(formats, name, data, options, rng):
    sums, failed = collections.Counter(), []
    (quality, _, seen), = verdicts(options.evidence, formats.work, [data])
    if quality != "good":
        failed.append(f"the sound dump is {quality}: {seen['reasons']}")
    sound = formats.restore(name, data)
    padding = trailing_padding(name, data)
    cases = list(damaged(data, options.cases, rng))
    for begin in range(0, len(cases), BATCH):
        batch = cases[begin:begin + BATCH]
        for (cut, at, bytes_), (quality, caveats, seen) in zip(batch, verdicts(options.evidence, formats.work, [c[2] for c in batch])):
            kind = "cut" if cut else "flip"
            sums[f"{kind} {quality}"] += 1
            if quality != "good":
                continue
            same = formats.restore(name, bytes_) == sound
            if cut:
                # Only padding is lost, or the second table of contents as a whole.
                harmless = same and (at >= padding or name == "custom-appended")
                sums["cut good, nothing lost"] += harmless
                if not harmless:
                    failed.append(f"cut at {at} of {len(data)} is good (restores the same: {same})")
            elif not same:
                sums["flip good, restores differently"] += 1
                if "no_checksum" not in caveats:
                    failed.append(f"flip at {at} of {len(data)} is good without a caveat and restores differently")
    return sums, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evidence", default="target/debug/evidence")
    parser.add_argument("--tools", default="/usr/lib/postgresql/15/bin")
    parser.add_argument("--server", default="/usr/lib/postgresql/15/bin")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--formats", default="", help="names, separated by commas; all without it")
    options = parser.parse_args()
    wanted = set(filter(None, options.formats.split(",")))
    broken = False
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
        os.chmod(folder, 0o755)
        server = Server(folder, options.server)
        try:
            formats = Formats(server, options.tools, work)
            for name, data in formats.all():
                if wanted and name not in wanted:
                    continue
                sums, failed = check(formats, name, data, options, random.Random(f"{options.seed} {name}"))
                line = ", ".join(f"{what} {count}" for what, count in sorted(sums.items()) if count)
                print(f"{name} ({len(data)} bytes): {line}", flush=True)
                for words in failed[:10]:
                    print(f"  FAULT {words}", flush=True)
                broken |= bool(failed)
        finally:
            server.stop()
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
