#!/usr/bin/env python3
"""Holds `evidence examine` against real restores of plain text dumps.

Starts a PostgreSQL server of its own, and a MariaDB server when its programs are installed; fills
both with a varied database; dumps it in every text form. Then it asserts:

  sound   no dump is called bad, and the counted rows are those of count(*);
  cuts    no dump that is cut anywhere before its end is called good;
  damage  flipped bytes, lost lines and lost ranges: what is called good is restored with
          `psql -v ON_ERROR_STOP=1` (or `mariadb`). A restore that fails where the verdict is good,
          and one that brings every row back where it is bad, are counted and printed.

Usage: tests/matrix/cuts-text.py [--cuts N] [--damage N] [--seed N] [--keep DIR]
EVIDENCE names the program (target/debug/evidence). Run as root or as any user who may start servers.
"""

import argparse
import collections
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EVIDENCE = os.environ.get("EVIDENCE", os.path.join(HERE, "../../target/debug/evidence"))
FAILED = []


def run(command, **options):
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run(command, **options)


def must(command, **options):
    done = run(command, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def wrong(what):
    FAILED.append(what)
    print(f"WRONG {what}", flush=True)


class Postgres:
    """A server of PostgreSQL and its clients."""

    name = "postgres"

    def __init__(self, folder):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.folder = folder
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        os.makedirs(folder)
        if self.user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        must([*self.user, f"{self.bin}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"])
        options = f"-k {folder} -p 5999 -c listen_addresses= -c fsync=off -c wal_level=logical"
        must([*self.user, f"{self.bin}/pg_ctl", "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start"],
             stdout=subprocess.DEVNULL)
        self.at = ["-h", folder, "-p", "5999", "-U", "postgres"]
        self.query("postgres", "CREATE ROLE reader; CREATE ROLE \"Odd-Role\"; GRANT reader TO \"Odd-Role\"")
        self.query("postgres", "CREATE DATABASE varied")
        must([f"{self.bin}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *self.at, "-d", "varied", "-f",
              f"{HERE}/text-postgres.sql"])

    def stop(self):
        run([*self.user, f"{self.bin}/pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop"])

    def query(self, database, sql):
        return must([f"{self.bin}/psql", "-X", "-q", "-A", "-t", *self.at, "-d", database, "-c", sql]).decode()

    def dumps(self):
        dump, all_ = f"{self.bin}/pg_dump", f"{self.bin}/pg_dumpall"
        plain = lambda *options: must([dump, *self.at, "varied", *options])
        found = {}
        for options in [(), ("--inserts",), ("--column-inserts",), ("--rows-per-insert=7",), ("--clean", "--create"),
                        ("--clean", "--if-exists"), ("--schema-only",), ("--data-only",), ("--data-only", "--inserts"),
                        ("--section=pre-data",), ("--section=data",), ("--section=post-data",), ("--no-owner", "--no-acl"),
                        ("--quote-all-identifiers",), ("--on-conflict-do-nothing", "--inserts"), ("--no-comments",),
                        ("--exclude-table-data=app.people",), ("--encoding=LATIN1", "--table=app.people"),
                        ("--table=app.people",), ("--disable-dollar-quoting",), ("--use-set-session-authorization",),
                        ("--disable-triggers", "--data-only"), ("--load-via-partition-root",), ("--large-objects",) if 0 else ("--blobs",),
                        ("--verbose",), ("--enable-row-security",)]:
            found[" ".join(("pg_dump", *options))] = plain(*options)
        for options in [(), ("--globals-only",), ("--roles-only",), ("--inserts",), ("--clean",), ("--schema-only",)]:
            found[" ".join(("pg_dumpall", *options))] = must([all_, *self.at, *options])
        archive = f"{self.folder}/x.dump"
        must([dump, *self.at, "varied", "-Fc", "-f", archive])
        for options in [("-f", "-"), ("-f", "-", "--single-transaction"), ("-f", "-", "--clean")]:
            found[" ".join(("pg_restore", *options))] = must([f"{self.bin}/pg_restore", *options, archive])
        whole, globals_ = found["pg_dump"], found["pg_dumpall --globals-only"]
        found["globals and database"] = globals_ + whole
        found["database and globals"] = whole + globals_
        found["two databases"] = whole + found["pg_dump --inserts"]
        found["BEGIN and COMMIT"] = b"BEGIN;\n" + whole + b"COMMIT;\n"
        found["ANALYZE after it"] = whole + b"ANALYZE;\n"
        found["RESET ALL after it"] = b"SET session_replication_role = replica;\n" + whole + b"RESET ALL;\n"
        found["mark of byte order"] = b"\xef\xbb\xbf" + whole
        found["CR LF"] = whole.replace(b"\n", b"\r\n")
        return found

    def counts(self, database):
        tables = self.query(database, "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c "
                            "JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND nspname !~ '^(pg_|information)'"
                            " ORDER BY 1")
        # The names have no line end; the columns may.
        union = " UNION ALL ".join(f"SELECT $n${t}$n$, count(*) FROM ONLY {t}" for t in tables.splitlines())
        rows = self.query(database, union) if union else ""
        objects = self.query(database, "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), "
                             "(SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_largeobject)")
        return dict(line.rsplit("|", 1) for line in rows.splitlines()), objects

    def restore(self, path):
        """The counts after a restore, or nothing when it fails."""
        admin = [f"{self.bin}/psql", "-X", "-q", *self.at, "-d", "postgres"]
        must([*admin, "-c", "DROP DATABASE IF EXISTS scratch", "-c", "CREATE DATABASE scratch TEMPLATE template0"])
        done = run([f"{self.bin}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *self.at, "-d", "scratch", "-f", path],
                   stdout=subprocess.DEVNULL)
        return self.counts("scratch") if done.returncode == 0 else None


class Mariadb:
    """A server of MariaDB and its clients."""

    name = "mariadb"

    def __init__(self, folder):
        self.folder = folder
        self.at = ["--no-defaults", f"--socket={folder}/s"]
        os.makedirs(folder)
        user = ["--user=root"] if os.geteuid() == 0 else []
        must(["mariadb-install-db", "--no-defaults", *user, f"--datadir={folder}/data", "--skip-test-db",
              "--auth-root-authentication-method=normal"])
        self.server = subprocess.Popen(
            ["mariadbd", "--no-defaults", *user, f"--datadir={folder}/data", f"--socket={folder}/s", "--skip-networking",
             f"--pid-file={folder}/pid", "--innodb-flush-log-at-trx-commit=0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if run(["mariadb-admin", *self.at, "-u", "root", "ping"]).returncode == 0:
                break
            self.server.poll() is None or sys.exit("mariadbd did not start")
            subprocess.run(["sleep", "0.2"])
        self.at += ["-u", "root"]
        must(["mariadb", *self.at, "-e", "CREATE DATABASE varied"])
        with open(f"{HERE}/text-mysql.sql", "rb") as text:
            must(["mariadb", *self.at, "varied"], stdin=text)

    def stop(self):
        self.server.terminate()
        self.server.wait()

    def query(self, database, sql):
        return must(["mariadb", *self.at, "-N", "-B", database, "-e", sql]).decode()

    def dumps(self):
        found = {}
        for options in [("varied",), ("--skip-extended-insert", "varied"), ("--complete-insert", "varied"), ("--databases", "varied"),
                        ("--routines", "--events", "--triggers", "varied"), ("--all-databases",), ("--no-data", "varied"),
                        ("--no-create-info", "varied"), ("--compatible=ansi", "varied"), ("--hex-blob", "varied"),
                        ("--skip-comments", "varied"), ("--skip-dump-date", "varied"), ("--single-transaction", "varied"),
                        ("--no-autocommit", "varied"), ("--replace", "varied"), ("--insert-ignore", "varied"), ("--compact", "varied"),
                        ("--skip-quote-names", "varied", "people"), ("--skip-opt", "varied"), ("--tz-utc", "--add-drop-trigger", "varied"),
                        ("--system=users",), ("--skip-set-charset", "varied"), ("--order-by-primary", "varied"), ("--master-data=2", "varied") if 0 else ("--flush-privileges", "varied")]:
            found[" ".join(("mariadb-dump", *options))] = must(["mariadb-dump", *self.at, *options])
        whole = found["mariadb-dump varied"]
        found["autocommit and COMMIT"] = b"SET autocommit=0;\n" + whole + b"COMMIT;\n"
        found["two dumps"] = whole + found["mariadb-dump --databases varied"]
        return found

    def counts(self, database):
        tables = self.query("information_schema", f"SELECT table_name FROM tables WHERE table_schema = '{database}' AND table_type = 'BASE TABLE' ORDER BY 1")
        union = " UNION ALL ".join("SELECT '{}', count(*) FROM `{}`".format(t.replace("'", "''"), t.replace("`", "``")) for t in tables.splitlines())
        rows = self.query(database, union) if union else ""
        objects = self.query("information_schema", f"SELECT (SELECT count(*) FROM views WHERE table_schema = '{database}'), (SELECT count(*) FROM triggers WHERE trigger_schema = '{database}'), (SELECT count(*) FROM columns WHERE table_schema = '{database}')")
        return dict(line.rsplit("\t", 1) for line in rows.splitlines()), objects

    def restore(self, path):
        must(["mariadb", *self.at, "-e", "DROP DATABASE IF EXISTS scratch; CREATE DATABASE scratch"])
        with open(path, "rb") as text:
            done = run(["mariadb", *self.at, "scratch"], stdin=text, stdout=subprocess.DEVNULL)
        return self.counts("scratch") if done.returncode == 0 else None


def examine(paths):
    """Quality, first reason and rows of each file."""
    found = {}
    for at in range(0, len(paths), 200):
        out = run([EVIDENCE, "examine", "--json", *paths[at:at + 200]]).stdout
        for one in json.loads(out)["files"]:
            seen = one["examination"]
            sql = seen.get("sql", {})
            found[one["path"]] = (seen["quality"], seen["reasons"][0]["code"], seen["reasons"][0]["says"], sql.get("rows", {}))
    return found


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as out:
        out.write(data)
    return path


def sound(server, dumps, folder):
    """No sound dump is bad; a dump with every row has the rows of count(*)."""
    paths = {name: write(folder, f"{server.name}-sound-{n}.sql", data) for n, (name, data) in enumerate(dumps.items())}
    found = examine(list(paths.values()))
    tally = collections.Counter()
    expected = sum(int(n) for n in server.counts("varied")[0].values())
    for name, path in paths.items():
        quality, code, says, rows = found[path]
        tally[quality] += 1
        if quality == "bad":
            wrong(f"sound: {name}: {code}: {says} ({path})")
        if name in ("pg_dump", "pg_dump --inserts", "pg_dump --rows-per-insert=7", "pg_dump --column-inserts",
                    "mariadb-dump varied", "mariadb-dump --skip-extended-insert varied", "mariadb-dump --compatible=ansi varied") and rows.get("total") != expected:
            wrong(f"sound: {name}: {rows.get('total')} rows, count(*) says {expected}")
    print(f"{server.name}: {len(paths)} sound dumps: {dict(tally)}", flush=True)


def end_of(data):
    """Where the completion trailer begins: a cut behind it loses nothing."""
    for mark in (b"-- PostgreSQL database cluster dump complete", b"-- PostgreSQL database dump complete", b"-- Dump completed"):
        at = data.rfind(mark)
        if at >= 0:
            return at + len(mark)
    return 0


def cuts(server, dumps, folder, count, dice):
    """No dump that is cut is good."""
    names = [name for name, data in dumps.items() if end_of(data) > 0]
    bad = collections.Counter()
    for start in range(0, count, 500):
        paths = []
        for n in range(start, min(count, start + 500)):
            name = names[n % len(names)]
            data = dumps[name]
            if n % 3 == 0:
                # At the end of a line, where nothing is left open.
                lines = data[:end_of(data)].count(b"\n")
                cut = [0]
                for _ in range(dice.randrange(1, lines)):
                    cut[0] = data.index(b"\n", cut[0]) + 1
                cut = cut[0]
            else:
                cut = dice.randrange(1, end_of(data))
            paths.append((write(folder, f"{server.name}-cut-{n}.sql", data[:cut]), name, cut))
        for path, (quality, code, _, _) in examine([path for path, _, _ in paths]).items():
            bad[quality] += 1
            if quality == "good":
                name, cut = next((name, cut) for p, name, cut in paths if p == path)
                wrong(f"cut: {name} at {cut} ({path})")
                continue
            os.unlink(path)
    print(f"{server.name}: {count} cuts: {dict(bad)}", flush=True)


def hurt(data, how, dice):
    """One damage."""
    end = end_of(data)
    if how == "flip":
        at = dice.randrange(end)
        return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1:]
    if how == "lines":
        lines = data.split(b"\n")
        at = dice.randrange(len(lines) - 8)
        return b"\n".join(lines[:at] + lines[at + dice.randrange(1, 8):])
    if how == "hole":
        at = dice.randrange(end - 200)
        return data[:at] + data[at + dice.choice([7, 64, 512, 4096]):]
    if how == "message":
        lines = data.split(b"\n")
        lines.insert(dice.randrange(2, len(lines) - 8), dice.choice(MESSAGES))
        return b"\n".join(lines)
    cut = data[:dice.randrange(end // 4, end)]
    return cut + data


MESSAGES = [
    b"sudo: unable to resolve host db1: Name or service not known", b'Defaulted container "db" out of: db, backup',
    b"perl: warning: Setting locale failed.", b'WARNING:  database "app" has a collation version mismatch',
    b"HINT:  Rebuild all objects in this database.", b"bash: warning: setlocale: LC_ALL: cannot change locale",
    b"mysqldump: [Warning] Using a password on the command line interface can be insecure.", b"stdin: is not a tty",
    b"Warning: Permanently added 'db1' (ED25519) to the list of known hosts.", b"[+] Running 1/1", b"2026-05-15 04:17:01 backup",
]


def damage(server, dumps, folder, count, dice):
    """What is called good is restored."""
    names = [name for name in dumps if name in ("pg_dump", "pg_dump --inserts", "pg_dump --rows-per-insert=7", "mariadb-dump varied",
                                                "mariadb-dump --skip-extended-insert varied")]
    whole = {}
    for name in names:
        whole[name] = server.restore(write(folder, "whole.sql", dumps[name]))
        whole[name] is None and sys.exit(f"{name}: the sound dump cannot be restored")
    tally = collections.Counter()
    examples = collections.defaultdict(list)
    kinds = ["flip", "lines", "hole", "message", "appended"]
    made = []
    for n in range(count):
        how, name = kinds[n % len(kinds)], names[n // len(kinds) % len(names)]
        made.append((write(folder, f"{server.name}-{how}-{n}.sql", hurt(dumps[name], how, dice)), how, name))
    found = examine([path for path, _, _ in made])
    for path, how, name in made:
        quality, code, says, _ = found[path]
        counts = server.restore(path)
        outcome = "fails" if counts is None else "same" if counts == whole[name] else "differs"
        tally[how, quality, outcome] += 1
        if (quality == "good" and outcome != "same") or (quality == "bad" and outcome == "same"):
            examples[how, quality, outcome].append(f"{os.path.basename(path)} {name}: {code}: {says[:100]}")
        else:
            os.unlink(path)
    print(f"{server.name}: {count} damaged dumps (damage, verdict, restore):")
    for key, number in sorted(tally.items()):
        print(f"  {number:5} {' '.join(key)}")
    for key, lines in sorted(examples.items()):
        for line in lines[:12]:
            print(f"  {' '.join(key)}: {line}")
    sys.stdout.flush()


def main():
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--cuts", type=int, default=2000)
    wants.add_argument("--damage", type=int, default=300)
    wants.add_argument("--seed", type=int, default=1)
    wants.add_argument("--keep", help="a folder for the files that were judged wrongly")
    args = wants.parse_args()
    dice = random.Random(args.seed)
    folder = args.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    kinds = [Postgres] + ([Mariadb] if shutil.which("mariadb-install-db") else [])
    for kind in kinds:
        place = tempfile.mkdtemp(prefix="evidence-matrix-")
        os.chmod(place, 0o755)
        server = kind(f"{place}/server")
        try:
            dumps = server.dumps()
            sound(server, dumps, folder)
            cuts(server, dumps, folder, args.cuts, dice)
            damage(server, dumps, folder, args.damage, dice)
        finally:
            server.stop()
            shutil.rmtree(place, ignore_errors=True)
    if not args.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(FAILED)} wrong")
    sys.exit(1 if FAILED else 0)


main()
