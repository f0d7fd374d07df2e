# Runs inside the container with systemd: sshd with a banner, and units in the states that matter.
unit() { cat >"/etc/systemd/system/$1"; }
oneshot() { printf '[Service]\nType=oneshot\nExecStart=%s\n' "$2" | unit "$1"; }
oneshot fails.service "/bin/sh -c 'exit 3'"
oneshot hangs.service '/bin/sleep infinity'
oneshot forgotten@.service /bin/true
printf '[Service]\nExecStart=/bin/sleep infinity\n' | unit killed.service
echo 'Authorised use only. Everything is logged.' >/etc/ssh/banner
echo 'Banner /etc/ssh/banner' >/etc/ssh/sshd_config.d/banner.conf
ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A >/dev/null
systemctl daemon-reload
systemctl restart ssh.service
systemctl start fails.service 2>/dev/null
systemctl start forgotten@one.service
systemctl start --no-block hangs.service killed.service
sleep 1
systemctl kill -s KILL killed.service
sleep 1
