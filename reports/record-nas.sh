#!/usr/bin/env bash
# Records reports/nas anew: the scene's real script and real sshd, at full size, on a host with an invented
# name. Needs root, for the name.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -n ${EVIDENCE:-} ]] || cargo build --release --locked
stage=/srv/nas
trap 'rm -rf "$stage" /srv/nas-case' EXIT
rm -rf "$stage" /srv/nas-case
install -D -m 0755 "${EVIDENCE:-target/release/evidence}" /srv/nas-case/bin/evidence
mkdir -p /srv/nas-case/reports/nas
unshare --uts bash -c 'hostname app1.example.org; exec bash tests/scenes/nas/stage.sh "$0" nas-backup.sh silent 1000000' "$stage"
# When the case is collected, nobody answers over there any more.
kill "$(cat "$stage/sshd.pid")"
while [[ -e $stage/sshd.pid ]]; do sleep 0.1; done
night=$(cat "$stage/night")
at() { date -u -d "@$(( night + $1 ))" +%FT%TZ; }
sed -e "s|@DIR@|$stage|g" -e "s|@YEAR@|$(date -u -d "@$night" +%Y)|" -e "s|@FROM@|$(at 0)|" -e "s|@TO@|$(at 600)|" \
  -e "s|@BACKUPS@|previous|" -e "s|@COUNTED@|The archive of the night is not counted: that it arrived is not established.|" \
  tests/scenes/nas/case.yaml > /srv/nas-case/reports/nas/case.yaml
cp tests/scenes/nas/narrative.md /srv/nas-case/reports/nas/
unshare --uts env PATH="$stage/bin:$PATH" bash -c 'hostname app1.example.org; cd /srv/nas-case
  /srv/nas-case/bin/evidence collect nas || (($? == 4)); /srv/nas-case/bin/evidence render nas'
rm -rf reports/nas
cp -r /srv/nas-case/reports/nas reports/nas
# The tool's own modes are private; a repository's are not.
chmod -R u=rwX,go=rX reports/nas
