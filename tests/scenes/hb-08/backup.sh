#!/usr/bin/env bash
# The mechanism: one custom dump a night, level 6, and a list of digests beside it.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
pg_dump -Fc -Z6 -d app -f app_20260515.dump
sha256sum app_20260515.dump backup.sh > SHA256SUMS
