#!/usr/bin/env bash
# Records reports/v0-3 anew. The other host of the scene is this one: `ssh` is a stand-in that runs the
# command here, as the narrative says.
source "$(dirname "$0")/scene.sh"
production v0-3
mkdir -p $place/tools/{reviewed,deployed}
install -m 0755 tests/scenes/v0-3/dump.sh $place/tools/reviewed/dump.sh
install -m 0755 tests/scenes/v0-3/dump.sh $place/tools/deployed/dump.sh
install -m 0755 tests/scenes/v0-3/ssh $place/bin/ssh
$place/tools/deployed/dump.sh $place/backups/after.sql
case_of v0-3
cp tests/scenes/v0-3/narrative.md $place/reports/v0-3/narrative.md
record v0-3
