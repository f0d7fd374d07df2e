#!/usr/bin/env bash
# Records reports/nas anew: the scene's real script and real sshd, at full size, on a host with an invented
# name.
source "$(dirname "$0")/recording.sh"
stage=/srv/nas
trap 'rm -rf "$stage" /srv/nas-case' EXIT
rm -rf "$stage" /srv/nas-case
install -D -m 0755 "$EVIDENCE" /srv/nas-case/bin/evidence
mkdir -p /srv/nas-case/reports/nas
on_host app1.example.org bash tests/scenes/nas/stage.sh "$stage" nas-backup.sh silent 1000000
# When the case is collected, nobody answers over there any more.
kill "$(cat "$stage/sshd.pid")"
while [[ -e $stage/sshd.pid ]]; do sleep 0.1; done
night=$(cat "$stage/night")
at() { date -u -d "@$(( night + $1 ))" +%FT%TZ; }
sed -e "s|@DIR@|$stage|g" -e "s|@YEAR@|$(date -u -d "@$night" +%Y)|" -e "s|@FROM@|$(at 0)|" -e "s|@TO@|$(at 600)|" \
  -e "s|@BACKUPS@|previous|" -e "s|@COUNTED@|The archive of the night is not counted: that it arrived is not established.|" \
  tests/scenes/nas/case.yaml > /srv/nas-case/reports/nas/case.yaml
cp tests/scenes/nas/narrative.md /srv/nas-case/reports/nas/
evidence() { (cd /srv/nas-case && PATH="$stage/bin:$PATH" on_host app1.example.org /srv/nas-case/bin/evidence "$@"); }
evidence collect nas || (($? == 4))
evidence render nas
take_over nas /srv/nas-case
