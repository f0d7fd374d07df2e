#!/bin/bash
# What `evidence` says of real engines, a real sshd and a real systemd: one line each, `ok` or `FAIL`; the exit
# status is 1 when one failed. Root, after setup.sh. EVIDENCE=PATH names the binary.
set -uo pipefail
evidence=$(realpath "${EVIDENCE:-target/debug/evidence}")
place=/var/lib/evidence-engines
work=$(mktemp -d /var/tmp/evidence-engines.XXXXXX)
trap 'rm -rf "$work"' EXIT
failed=0
mkdir -p "$work/policies" "$work/bin"
printf 'policy: any\ntitle: Any\nchecks:\n  - { id: V-1, title: host, require: { fact: host.hostname, present: true } }\n' \
    >"$work/policies/any.yaml"
# ssh reads the configuration of the user's home, not of $HOME: name it.
printf '#!/bin/sh\nexec /usr/bin/ssh -F %s/home/.ssh/config "$@"\n' $place >"$work/bin/ssh"; chmod 755 "$work/bin/ssh"

# collect NAME TARGETS STEPS [VARIABLE=VALUE...]: writes the facts to $work/NAME.jsonl
collect() {
    local name=$1 targets=$2 steps=$3; shift 3
    mkdir -p "$work/reports/$name"
    printf 'case: %s\ntitle: t\ntemplate: incident\npolicy: any\nscope: [x]\nexcluded: [y]\nseats: { owner: b }\n%b%b%b' \
        "$name" "$targets" 'collect:\n  - { id: host, uses: host }\n' "$steps" >"$work/reports/$name/case.yaml"
    (cd "$work" && env "$@" PATH="$work/bin:/usr/bin:/bin:/usr/sbin" "$evidence" collect "$name") >"$work/$name.out" 2>&1
    cat "$work/reports/$name"/runs/*/data/facts.jsonl 2>/dev/null | jq -c .fact >"$work/$name.jsonl"
}
# check TEXT NAME ID JQ: the fact ID of the collection NAME fulfils the expression
check() {
    if jq -es "map(select(.id == \"$3\"))[0] | $4" "$work/$2.jsonl" >/dev/null 2>&1; then
        echo "ok    $1"
    else
        echo "FAIL  $1"; failed=1
    fi
}

database="targets:\n  p: { postgres: { via: '%s', host: /tmp, user: postgres, database: postgres } }\n"
both="  - { id: a, uses: postgres.identity, on: p }\n  - { id: b, uses: container, with: { name: ev-db, via: %s } }\n"
collect docker "${database/'%s'/docker:ev-db}" "${both/'%s'/docker}"
check 'docker: the server answers' docker a '.values.system_identifier != null'
check 'docker: the engine is a fact' docker b '.values.reached.engine | startswith("unix://")'
check 'docker: no value of the environment' docker b '.values.running and (tostring | contains("canary-7") | not)'
collect podman "${database/'%s'/podman:ev-db}" "${both/'%s'/podman}"
check 'podman: the server answers, through the socket' podman a '.values.system_identifier != null'
podman pause ev-db >/dev/null
collect paused '' "  - { id: b, uses: container, with: { name: ev-db, via: podman } }\n"
podman unpause ev-db >/dev/null
check 'podman: a paused container has no exit code' paused b '.values.exit_code == null and .values.running == false'
collect other "${database/'%s'/docker:ev-db}" "${both/'%s'/docker}" DOCKER_HOST=unix:///run/podman/podman.sock
check 'DOCKER_HOST is followed, and said' other b '.values.reached.engine == "unix:///run/podman/podman.sock"'
plan() { (cd "$work" && env "$@" "$evidence" plan docker --json | jq -r .plan_sha256); }
[ "$(plan A=b)" != "$(plan DOCKER_HOST=unix:///run/podman/podman.sock)" ] && echo 'ok    the engine is under the digest of the plan' ||
    { echo 'FAIL  the engine is under the digest of the plan'; failed=1; }
/usr/bin/docker rm -f -v ev-loop >/dev/null 2>&1
/usr/bin/docker run -d --name ev-loop --restart always --network none evidence-engines:1 false >/dev/null; sleep 6
collect loop '' "  - { id: b, uses: container, with: { name: ev-loop } }\n"
/usr/bin/docker rm -f -v ev-loop >/dev/null
check 'docker: a crash loop does not run' loop b '.values.state != "restarting" or (.values.running == false and .values.exit_code == 1)'

unit() { printf "  - { id: %s, uses: service, with: { unit: %s.service, via: 'ssh:%s' } }\\\\n" "$1" "$2" "$3"; }
collect units '' "$(unit f fails box)$(unit h hangs box)$(unit g forgotten@one box)$(unit k killed mux)"
check 'systemd: a failed unit, the host in another zone' units f \
    '.values.result == "exit-code" and .values.exec_main_status == 3 and .values.exec_main_ended_at != null'
check 'systemd: a unit in its first run has no result' units h '.values.active_state == "activating" and .values.result == null'
check 'systemd: a unit that was forgotten' units g '.missing.result.message | contains("remembers no run")'
check 'systemd: a signal is not an exit status' units k '.values.signal == 9 and .values.exec_main_status == null'
check 'ssh: the host key is a fact' units f '.values.reached.host_key | contains("SHA256:")'
check 'ssh: ControlMaster is no obstacle' units k '.absence == null'
before=$(sha256sum <$place/home/.ssh/known_hosts)
collect keys '' "$(unit c fails changed)$(unit n fails new)$(unit w fails forward)  - { id: b, uses: container, with: { name: x, via: 'ssh:box/docker' } }\n"
check 'ssh: a changed host key is said' keys c '.absence.message | contains("host key")'
check 'ssh: an unknown host is not taken for the right one' keys n '.absence.message | contains("known_hosts")'
check 'ssh: forwardings and remote commands are left out' keys w '.absence == null'
check 'ssh: the banner is not the reason' keys b '.absence.reason == "unavailable" and (.absence.message | contains("Authorised") | not)'
if [ "$before" = "$(sha256sum <$place/home/.ssh/known_hosts)" ]; then echo 'ok    known_hosts is not written'; else echo 'FAIL  known_hosts is not written'; failed=1; fi
exit $failed
