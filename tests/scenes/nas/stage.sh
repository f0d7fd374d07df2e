#!/usr/bin/env bash
# The stage of the scene NAS: stage.sh DIR SCRIPT MODE MB
#
# Makes DIR with the data, the script of the night, a far side behind a real sshd on 127.0.0.1 (own
# host key, own configuration, a port that is not privileged), and runs the script once. The night's
# time is that of a stand-in `date`; what the shell, ssh and the far side do is real. `mail` is a
# stand-in that writes the line a mail server would.
#
# MODE is what happens to the far side: whole; silent (it answers nothing when asked for a digest);
# full (a disk of 64 KiB, or a limit where mounts are not allowed); killed (the writing process, in the
# middle); denied (no permission); quota (a limit on file sizes). The sshd goes on running; its process is in DIR/sshd.pid.
set -eu
dir=$1 script=$2 mode=$3 mb=$4
here=$(cd "$(dirname "$0")" && pwd)
root=$([[ $EUID == 0 ]] && echo yes || echo no)

mkdir -p "$dir"/{bin,local/data,volume,log,ssh,etc/cron.d}
chmod 711 "$dir"
chmod 700 "$dir/ssh"
echo "$mode" > "$dir/mode"

# The last 03:00 UTC that is over.
night=$(/bin/date -u -d 'today 03:00' +%s)
(( $(/bin/date +%s) > night + 120 )) || night=$(( night - 86400 ))
echo "$night" > "$dir/night"

# Each call of the stand-in clock takes the next of these seconds after 03:00:00.
if [[ $script == nas-backup-clean.sh ]]; then
  seconds=(1 1 1 33 34 34 45 45 47 49 50 53 53 53)
else
  seconds=(1 1 1 20 33 34 34 45 45 46 46 46 49 49 50)
fi
printf '%s\n' "${seconds[@]}" > "$dir/clock"
cat > "$dir/bin/date" <<END
#!/bin/bash
second=\$(head -n 1 $dir/clock)
(( \$(wc -l < $dir/clock) == 1 )) || sed -i 1d $dir/clock
TZ=UTC LC_ALL=C exec /bin/date -d "@\$(( $night + second ))" "\$@"
END
cat > "$dir/bin/mail" <<END
#!/bin/bash
cat > /dev/null
echo "\$(date '+%b %e %T') nas postfix/smtp[4711]: 7F2A1: success mail to=<\${*: -1}>, status=sent (250 queued)" >> $dir/log/mail.log
END
cat > "$dir/bin/ssh" <<END
#!/bin/sh
exec /usr/bin/ssh -F $dir/ssh/config "\$@"
END

# What stands behind every connection.
cat > "$dir/bin/far-side" <<END
#!/bin/bash
asked=\$SSH_ORIGINAL_COMMAND
case $mode:\$asked in
  silent:*sha256sum*) exit 0 ;;
  quota:* | full:*) [[ $mode == full && $root == yes ]] || ulimit -f 64 ;;
  denied:*) [[ $root == no ]] || exec setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c "\$asked" ;;
  killed:cat*)
    pipe=$dir/ssh/pipe
    mkfifo "\$pipe"
    { head -c 40000; exec sleep 30; } > "\$pipe" <&0 &
    feeder=\$!
    sh -c "exec \$asked" < "\$pipe" &
    writer=\$!
    until (( \$(stat -c %s $dir/volume/nas.tar.tmp 2>/dev/null || echo 0) >= 16384 )); do sleep 0.02; done
    kill -9 "\$writer"
    wait "\$writer"
    status=\$?
    kill "\$feeder"
    rm "\$pipe"
    exit "\$status" ;;
esac
sh -c "\$asked"
END
chmod 755 "$dir"/bin/*
[[ $mode == denied ]] && chmod 555 "$dir/volume"

# The far side's sshd, and what ssh knows of it.
ssh-keygen -q -t ed25519 -N '' -C host -f "$dir/ssh/host_key"
ssh-keygen -q -t ed25519 -N '' -C ops -f "$dir/ssh/user_key"
cp "$dir/ssh/user_key.pub" "$dir/ssh/authorized_keys"
sshd=$(command -v sshd || echo /usr/sbin/sshd)
[[ $root == no ]] || mkdir -p /run/sshd
# With the volume of its own, when a full disk is wanted.
prepare=()
if [[ $mode == full && $root == yes ]]; then
  prepare=(unshare -m sh -c 'mount -t tmpfs -o size=64k small "$0" && exec "$@"' "$dir/volume")
fi
for attempt in 1 2 3 4 5 6 7 8; do
  port=$(( 20000 + RANDOM % 20000 ))
  cat > "$dir/ssh/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $dir/ssh/host_key
PidFile $dir/sshd.pid
AuthorizedKeysFile $dir/ssh/authorized_keys
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserRC no
ForceCommand $dir/bin/far-side
LogLevel ERROR
END
  rm -f "$dir/sshd.pid"
  "${prepare[@]}" "$sshd" -D -E "$dir/ssh/log" -f "$dir/ssh/sshd_config" </dev/null >/dev/null 2>&1 &
  server=$!
  for wait in {1..100}; do
    [[ ! -s $dir/sshd.pid ]] || break 2
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
done
[[ -s $dir/sshd.pid ]] || { cat "$dir/ssh/log" >&2; exit 1; }
disown
cat > "$dir/ssh/config" <<END
Host nas.example.org
  HostName 127.0.0.1
  Port $port
  User $(id -un)
  HostKeyAlias nas.example.org
  IdentityFile $dir/ssh/user_key
  IdentitiesOnly yes
  UserKnownHostsFile $dir/ssh/known_hosts
  GlobalKnownHostsFile /dev/null
  LogLevel ERROR
END
echo "nas.example.org $(cut -d' ' -f1,2 "$dir/ssh/host_key.pub")" > "$dir/ssh/known_hosts"

# What is kept: a dump of 50 MB, 170 MB, 80 KB, and what nobody lists.
{
  printf -- '--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE public.orders (id integer, note text);\n'
  printf 'COPY public.orders (id, note) FROM stdin;\n'
  yes $'1\tparcel' | head -n $(( 50 * mb / 9 ))
  printf -- '\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n'
} > "$dir/local/data/database"
yes picture | head -c $(( 170 * mb )) > "$dir/local/data/uploads"
yes setting | head -c $(( 80 * mb / 1000 )) > "$dir/local/data/settings"
yes entry | head -c $(( 292 * mb / 100 )) > "$dir/local/data/index"
# The archive of the night before, which arrived.
tar -cf "$dir/local/previous.tar" -C "$dir/local/data" database
touch -d "@$(( night - 86400 + 33 ))" "$dir/local/previous.tar"

sed -e "s|@DIR@|$dir|g" -e "s|@MB@|$mb|g" "$here/$script" > "$dir/bin/nas-backup.sh"
chmod 755 "$dir/bin/nas-backup.sh"
set +e
PATH="$dir/bin:$PATH" bash "$dir/bin/nas-backup.sh" 2> "$dir/log/stderr"
echo $? > "$dir/status"
touch -d "@$(( night + 33 ))" "$dir/local/nas.tar"
exit 0
