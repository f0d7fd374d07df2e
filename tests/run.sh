#!/usr/bin/env bash
# Runs every test. Installs by itself what the tests need beside Rust: Debian packages (only those
# that are missing) and, in .venv inside the checkout, the outside readers from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."

# command → Debian package
declare -A needs=(
  [gzip]=gzip [zstd]=zstd [tar]=tar [pigz]=pigz [hashdeep]=hashdeep [ssh-keygen]=openssh-client [openssl]=openssl
  [psql]=postgresql-client [python3]=python3 [setpriv]=util-linux [cc]=gcc [systemd-analyze]=systemd [jq]=jq
)
missing=()
for command in "${!needs[@]}"; do
  command -v "$command" >/dev/null || missing+=("${needs[$command]}")
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
[[ -x /usr/sbin/sshd ]] || command -v sshd >/dev/null || missing+=(openssh-server)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if ((${#missing[@]})); then
  echo "installing: ${missing[*]}"
  sudo=()
  ((EUID == 0)) || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# pydantic-sarif carries the SARIF 2.1.0 schema, the sources of pytest carry the XSD of JUnit.
readers=(bagit jsonschema PyYAML securesystemslib in-toto-attestation cryptography pydantic-sarif lxml)
modules="bagit, jsonschema, yaml, securesystemslib, in_toto_attestation, cryptography, pydantic_sarif, lxml"
if ! .venv/bin/python -c "import $modules" 2>/dev/null; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check "${readers[@]}"
fi
if ! [[ -s .venv/junit-10.xsd ]]; then
  sources=$(mktemp -d)
  .venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary pytest -d "$sources" 'pytest<10'
  tar -xzf "$sources"/pytest-*.tar.gz -C "$sources" --wildcards '*/junit-10.xsd'
  cp "$sources"/pytest-*/testing/example_scripts/junit-10.xsd .venv/junit-10.xsd
  rm -r "$sources"
fi

export EVIDENCE_TEST_VENV="$PWD/.venv"
cargo test --locked "$@"
