#!/bin/bash
# The nightly dump, as a role that may read everything and change nothing.
set -euo pipefail
umask 027
folder=@DIR@/backups
pg_dump -U dumper shop > "$folder/shop.sql"
tail -n 20 "$folder/shop.sql" | grep -q 'PostgreSQL database dump complete'
gzip -9 -f "$folder/shop.sql"
