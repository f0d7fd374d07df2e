#!/bin/bash
# Starts real engines for check.sh, from Debian 12 packages alone: Docker, Podman with its API service, a
# PostgreSQL server in a container of each, and a container with systemd and sshd. Root. It can be run again.
# `setup.sh stop` ends and removes what it started. It is not part of the usual tests: it installs packages,
# takes minutes, and needs a machine of its own.
set -euo pipefail
place=/var/lib/evidence-engines
docker=/usr/bin/docker
image=evidence-engines:1

stop() {
    for name in ev-db ev-box ev-loop; do $docker rm -f -v $name >/dev/null 2>&1 || :; done
    podman rm -f -t 0 -v ev-db >/dev/null 2>&1 || :
    for name in dockerd podman; do
        if [ -s $place/$name.pid ]; then kill "$(cat $place/$name.pid)" 2>/dev/null || :; rm -f $place/$name.pid; fi
    done
}

packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends docker.io podman runc conmon netavark iptables \
        debootstrap openssh-client jq procps >/dev/null
}

# Waits for up to a minute until a command succeeds.
until_it() {
    for _ in $(seq 120); do "$@" >/dev/null 2>&1 && return; sleep 0.5; done
    echo "no success within a minute: $*" >&2; exit 1
}

engines() {
    if ! $docker version >/dev/null 2>&1; then
        setsid dockerd --data-root $place/docker --exec-root /run/evidence-dockerd --pidfile $place/dockerd.pid \
            >$place/dockerd.log 2>&1 </dev/null &
        until_it $docker version
    fi
    # A root without CAP_SYS_RESOURCE cannot raise limits, and crun 1.8 refuses mixed cgroups.
    mkdir -p /etc/containers
    [ -e /etc/containers/containers.conf ] || cat >/etc/containers/containers.conf <<'CONF'
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
CONF
    if ! [ -S /run/podman/podman.sock ]; then
        mkdir -p /run/podman
        setsid podman system service --time=0 unix:///run/podman/podman.sock >$place/podman.log 2>&1 </dev/null &
        echo $! >$place/podman.pid
        until_it test -S /run/podman/podman.sock
    fi
}

# One image for all: PostgreSQL 15, systemd and sshd.
picture() {
    if [ ! -s $place/image.tar ]; then
        local root; root=$(mktemp -d $place/root.XXXXXX); chmod 755 "$root"
        local site; site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Release: bookworm' | head -n 1)
        debootstrap --variant=minbase --include=systemd-sysv,dbus,openssh-server,tzdata,postgresql-15 \
            bookworm "$root" "$site" >$place/debootstrap.log
        : >"$root/etc/machine-id"
        rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/etc/systemd/system/multi-user.target.wants/postgresql.service
        tar -C "$root" --numeric-owner --one-file-system -cf $place/image.part .
        mv $place/image.part $place/image.tar; rm -rf --one-file-system "$root"
    fi
    local path=/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin
    $docker image inspect $image >/dev/null 2>&1 || $docker import -c "ENV PATH=$path" $place/image.tar $image >/dev/null
    podman image exists localhost/$image || podman import -c "ENV PATH=$path" $place/image.tar localhost/$image >/dev/null
}

database() { # ENGINE IMAGE: a server that starts with its container; its environment holds a canary
    local server='rm -rf /tmp/d; initdb -A trust -D /tmp/d >/dev/null; exec postgres -D /tmp/d -k /tmp -c listen_addresses='
    "$1" container inspect ev-db >/dev/null 2>&1 ||
        "$1" run -d --name ev-db --network none --user postgres -e SECRET_OF_ENV=canary-7 "$2" sh -c "$server" >/dev/null
    until_it "$1" exec ev-db psql -h /tmp -d postgres -c 'SELECT 1'
}

# systemd as PID 1, sshd with a banner on 127.0.0.1:2299, units in several states, a host in another zone.
box() {
    $docker rm -f -v ev-box >/dev/null 2>&1 || :
    $docker run -d --name ev-box --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
        --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw --tmpfs /run --tmpfs /tmp -e container=docker \
        -p 127.0.0.1:2299:22 $image /lib/systemd/systemd >/dev/null
    until_it $docker exec ev-box systemctl show --property=Version
    rm -rf $place/home; mkdir -p -m 700 $place/home/.ssh
    ssh-keygen -q -t ed25519 -N '' -f $place/home/.ssh/key
    $docker exec -i ev-box sh -c 'install -d -m 700 /root/.ssh; cat >/root/.ssh/authorized_keys' <$place/home/.ssh/key.pub
    $docker exec -i ev-box bash <"$(dirname "$0")/units.sh"
    local key; key=$($docker exec ev-box cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)
    local other; other=$(cut -d' ' -f1,2 $place/home/.ssh/key.pub)
    printf '[127.0.0.1]:2299 %s\nchanged %s\n' "$key" "$other" >$place/home/.ssh/known_hosts
    {
        printf 'Host *\n  HostName 127.0.0.1\n  Port 2299\n  User root\n  IdentityFile %s/.ssh/key\n' $place/home
        printf '  UserKnownHostsFile %s/.ssh/known_hosts\n' $place/home
        printf 'Host mux\n  ControlMaster auto\n  ControlPath %s/.ssh/cm-%%C\n  ControlPersist 60\n' $place/home
        printf 'Host changed\n  HostKeyAlias changed\nHost new\n  HostKeyAlias new\n  StrictHostKeyChecking accept-new\n'
        printf 'Host forward\n  LocalForward 15999 127.0.0.1:5432\n  ForwardAgent yes\n  RemoteCommand false\n'
    } >$place/home/.ssh/config
}

if [ "${1:-}" = stop ]; then stop; exit 0; fi
mkdir -p $place
packages; engines; picture
database $docker $image
database podman localhost/$image
box
echo "ready: run check.sh"
