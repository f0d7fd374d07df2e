#!/bin/sh
# Installs the verifiers of other people that the tests need and most systems lack, into target/tools.
set -eu
cd "$(dirname "$0")/.."
[ -x target/tools/bin/bagit.py ] && exit 0
python3 -m venv target/tools
target/tools/bin/pip install --quiet --disable-pip-version-check 'bagit==1.9.0'
