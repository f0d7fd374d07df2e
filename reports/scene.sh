# Sourced by record-hb-08.sh and record-v0-3.sh: a production of the scene's own below /srv/scene, on a host
# with an invented name, and what records and signs a case of it.
source "$(dirname "${BASH_SOURCE[0]}")/recording.sh"
place=/srv/scene
server=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)

as_server() { (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"); }

put_away() {
  [[ -d $place/data ]] && as_server "$server/pg_ctl" -D $place/data -m immediate -s stop || true
  rm -rf $place /opt/evidence
}

# A cluster with the scene's databases in it: unix socket only, no TCP.
production() {
  trap put_away EXIT
  put_away
  mkdir -p $place/{data,run,backups/drills,scratch,bin,tools,keys}
  chown postgres: $place/data $place/run
  install -D -m 0755 "$EVIDENCE" /opt/evidence/evidence
  as_server "$server/initdb" -U postgres -A trust -E UTF8 --no-locale -D $place/data >/dev/null
  as_server "$server/pg_ctl" -D $place/data -l $place/run/log -w -s \
    -o "-c listen_addresses='' -c unix_socket_directories=$place/run -c fsync=off" start
  export PGHOST=$place/run PGUSER=postgres PGPASSFILE=$place/none
  psql -X -q -v ON_ERROR_STOP=1 -d postgres -f "$repository/tests/scenes/$1/scene.sql" >/dev/null
  sysid=$(psql -X -A -t -d postgres -c 'SELECT system_identifier FROM pg_control_system()')
}

# The case CASE of the scene, with what is only known now.
case_of() {
  mkdir -p "$place/reports/$1"
  sed -e "s#@SOCKET@#$place/run#g; s#@SYSID@#$sysid#g; s#@BACKUPS@#$place/backups#g; s#@TOOLS@#$place/tools#g" \
    -e "s#@SCRATCH@#$place/scratch#g; s#@EXPIRES@#$(date -u -d '+40 days' +%Y-%m-%dT00:00:00Z)#g" \
    "$repository/tests/scenes/$1/case.yaml" >"$place/reports/$1/case.yaml"
}

# Collects, renders and signs CASE on the invented host, with keys that are thrown away; their public parts
# go to `allowed_signers` of the repository, beside those of the other scene.
record() {
  local name=$1 seat person
  : >$place/allowed_signers
  for person in ops-agent dba; do
    ssh-keygen -q -t ed25519 -N '' -C "$person@example.org" -f $place/keys/$person
    echo "$person@example.org namespaces=\"evidence\" $(cut -d' ' -f1,2 $place/keys/$person.pub)" >>$place/allowed_signers
  done
  (
    cd $place
    unset PGHOST PGUSER PGPASSFILE
    # 0 and 3 are verdicts: the criterion about the future is not established, only waived.
    unshare --uts bash -ec "hostname db1.example.org; PATH=$place/bin:\$PATH; evidence=/opt/evidence/evidence
      \$evidence collect $name || [ \$? = 3 ]; \$evidence render $name
      \$evidence sign $name --seat executor --key $place/keys/ops-agent
      \$evidence sign $name --seat verifier --key $place/keys/dba
      \$evidence verify $name --require-signature"
  )
  take_over "$name" $place
  # One block of lines for each recorded case: keys are made anew each time.
  touch "$repository/allowed_signers"
  sed -i "/^# $name\$/,/^\$/d" "$repository/allowed_signers"
  { echo "# $name"; cat $place/allowed_signers; echo; } >>"$repository/allowed_signers"
}
