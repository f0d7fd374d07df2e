"""An Uptime Kuma database in WAL mode: kuma.py SCHEMA1 SCHEMA2 DATABASE scene|clean.

Ends without closing it, as a server that runs would look: what is newest stands in the log alone.
"""
import os
import sqlite3
import sys
from datetime import datetime, timedelta, timezone

one, two, path, kind = sys.argv[1:]
writer = sqlite3.connect(path, isolation_level=None)
writer.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;")
for schema in one, two:
    writer.executescript(open(schema, encoding="utf-8").read())
writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
token = "t0k" + "enOfThePushMonitor7x"
now = datetime.now(timezone.utc).replace(tzinfo=None)


def ago(**parts):
    return (now - timedelta(**parts)).strftime("%Y-%m-%d %H:%M:%S.000")


monitors = [
    (1, "pg-backup", "push", 90000, f"https://kuma.example.org/api/push/{token}?status=up", token),
    (2, "off-site copy", "push", 90000, None, token),
    (3, "database", "http", 60, "https://db.example.org/health", None),
]
beats = [
    (1, "OK 302 tables", ago(hours=27)),
    (1, "OK 302 tables", ago(hours=3)),
    (2, "OK", ago(days=3) if kind == "scene" else ago(hours=2)),
    (3, "200 - OK", ago(seconds=20)),
]
for row in monitors:
    writer.execute(
        "INSERT INTO monitor (id, name, type, active, interval, url, push_token) VALUES (?, ?, ?, 1, ?, ?, ?)", row
    )
for row in beats:
    writer.execute("INSERT INTO heartbeat (monitor_id, status, msg, time) VALUES (?, 1, ?, ?)", row)
writer.executescript(
    "INSERT INTO notification (id, name, config, active) VALUES (1, 'mail', '{}', 1);"
    "INSERT INTO monitor_notification (monitor_id, notification_id) VALUES (1, 1), (2, 1), (3, 1);"
)
os._exit(0)
