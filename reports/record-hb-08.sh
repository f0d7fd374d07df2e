#!/usr/bin/env bash
# Records reports/hb-08 anew: a real backup, really restored, beside a real production.
source "$(dirname "$0")/scene.sh"
production hb-08
install -m 0755 tests/scenes/hb-08/backup.sh $place/backups/backup.sh
$place/backups/backup.sh
case_of hb-08
record hb-08
