#!/usr/bin/env bash
# Records reports/g6 anew: the demonstration, on a host with an invented name. Needs root, for the name.
#
#   reports/record-g6.sh [BINARY]    BINARY: a built `evidence`; without one a release is built
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${1:-target/release/evidence}
[ $# -gt 0 ] || cargo build --release --locked
install -D -m 0755 "$binary" /opt/evidence-g6/evidence
trap 'rm -rf /opt/evidence-g6 /srv/demo' EXIT
rm -rf /srv/demo
mkdir -p /srv/demo
(cd /srv && unshare --uts bash -c 'hostname db1.example.org; /opt/evidence-g6/evidence demo demo')
rm -rf reports/g6
cp -r /srv/demo/reports/g6 reports/g6
# The tool's own modes are private; a repository's are not.
chmod -R u=rwX,go=rX reports/g6
