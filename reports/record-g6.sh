#!/usr/bin/env bash
# Records reports/g6 anew: the demonstration, on a host with an invented name.
source "$(dirname "$0")/recording.sh"
trap 'rm -rf /opt/evidence-g6 /srv/demo' EXIT
rm -rf /srv/demo
install -D -m 0755 "$EVIDENCE" /opt/evidence-g6/evidence
(cd /srv && on_host db1.example.org /opt/evidence-g6/evidence demo demo)
take_over g6 /srv/demo
