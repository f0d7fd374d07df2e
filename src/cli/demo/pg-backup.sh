#!/usr/bin/env bash
#
# pg-backup.sh: nightly dump of the database `directus`, compressed.
# Called by cron, see etc/cron.d/pg-backup. One file a night, named after its minute.
#
# 2025-03-02  first version: one database, one folder
# 2025-05-11  size check, after a night on which the disk was full
# 2025-08-30  push to the monitor, off until the monitor knows this host
# 2025-10-19  files older than KEEP_DAYS go
#
set -u

PATH="@BIN@:$PATH"
ROOT="@ROOT@"
BACKUP_DIR="$ROOT/backups"
LOG="$ROOT/log/pg-backup.log"
DB_HOST="@SOCKET@"
DB_USER="backup"
DB_NAME="directus"
KEEP_DAYS=30
MIN_BYTES=100000
PUSH_ENABLED="${PUSH_ENABLED:-no}"
PUSH_URL="https://monitor.example.org/api/push/@TOKEN@?status=up&msg=OK"

STAMP="${BACKUP_STAMP:-$(date +%Y%m%d_%H%M)}"
FILE="$BACKUP_DIR/${DB_NAME}_${STAMP}.sql.gz"

say() {
    printf '%s [pg-backup] %s\n' "$(date '+%Y-%m-%dT%H:%M:%S%:z')" "$*" >>"$LOG"
}

mkdir -p "$BACKUP_DIR"
say "start: dumping $DB_NAME to $FILE"

pg_dump --host="$DB_HOST" --username="$DB_USER" -w "$DB_NAME" 2>>"$LOG" | gzip -9 >"$FILE"

SIZE=$(stat -c %s "$FILE")
if [ "$SIZE" -lt "$MIN_BYTES" ]; then
    say "FAILED: the backup has $SIZE bytes, expected at least $MIN_BYTES"
    exit 1
fi

# The monitor raises an alert when no push arrives in time.
if [ "$PUSH_ENABLED" = yes ]; then
    curl -fsS -m 10 "$PUSH_URL" >/dev/null 2>&1 || say "monitor not reached"
fi

find "$BACKUP_DIR" -name "${DB_NAME}_*.sql.gz" -mtime "+$KEEP_DAYS" -delete
say "success: $SIZE bytes"

# @FILL@
