#!/usr/bin/env bash
#
# backup-to-gdrive.sh: a second copy of the database, off site, in five steps.
#
set -eu -o pipefail

PATH="@BIN@:$PATH"
ROOT="@ROOT@"
STAGING="$ROOT/staging/gdrive_${BACKUP_STAMP:-$(date +%Y%m%d_%H%M)}"
LOG="$ROOT/log/backup-to-gdrive.log"
DB_HOST="@SOCKET@"
DB_USER="backup"
DB_NAME="directus"

step() {
    printf '%s [gdrive] [%s/5] %s\n' "$(date '+%Y-%m-%dT%H:%M:%S%:z')" "$1" "$2" >>"$LOG"
}

mkdir -p "$STAGING"

step 1 "dumping $DB_NAME"
pg_dump --host="$DB_HOST" --username="$DB_USER" -w "$DB_NAME" 2>>"$LOG" | gzip -9 >"$STAGING/$DB_NAME.sql.gz"

step 2 "checksum"
(cd "$STAGING" && sha256sum "$DB_NAME.sql.gz" >SHA256SUMS)

step 3 "upload"
[ -z "${UPLOAD_TO:-}" ] || cp -r "$STAGING" "$UPLOAD_TO/"

step 4 "clean up"
rm -rf "$STAGING"

step 5 "done"
