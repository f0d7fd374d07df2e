# Sourced by every record-*.sh. EVIDENCE may name a built binary; a release is built otherwise. All of them need
# root, for the invented name of the host.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD
[[ -n ${EVIDENCE:-} ]] || cargo build --release --locked
EVIDENCE=$(realpath "${EVIDENCE:-target/release/evidence}")

# Runs a command on a host with the invented name HOST.
on_host() { local host=$1; shift; unshare --uts bash -c 'hostname "$0"; exec "$@"' "$host" "$@"; }

# Puts the case NAME, recorded below the folder ROOT, in the place of the repository's own.
take_over() {
  rm -rf "$repository/reports/$1"
  cp -r "$2/reports/$1" "$repository/reports/$1"
  # The tool's own modes are private; a repository's are not.
  chmod -R u=rwX,go=rX "$repository/reports/$1"
}
