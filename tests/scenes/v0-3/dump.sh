#!/usr/bin/env bash
# The tool under review: one plain dump, whole or not at all.
set -euo pipefail
umask 077
pg_dump -d app -f "$1.part"
mv "$1.part" "$1"
