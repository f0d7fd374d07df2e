#!/bin/bash
# What the hardening does: the grants that were proposed, the entry in cron, and one backup each way.
set -euo pipefail
psql -X -q -v ON_ERROR_STOP=1 -U postgres -d shop -f @DIR@/grants.sql
install -m 0644 @DIR@/pg-backup.cron @DIR@/etc/cron.d/pg-backup
@DIR@/bin/pg-backup.sh
# The copy that goes off-site: a dump of its own, as a member of an archive.
work=$(mktemp -d @DIR@/scratch/copy.XXXXXX)
trap 'rm -r "$work"' EXIT
mkdir "$work/daily"
pg_dump -U dumper shop | gzip -9 -n > "$work/daily/shop.sql.gz"
tar -czf @DIR@/backups/offsite.tar.gz -C "$work" daily/shop.sql.gz
