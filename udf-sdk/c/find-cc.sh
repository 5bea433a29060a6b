#!/bin/sh
# Prints a command that compiles C to wasm32: the C compiler of the Python package ziglang, installed for this user in wasmill's
# folder of toolchains where there is none yet.
set -eu
if python3 -c 'import ziglang' 2>/dev/null; then
  echo "python3 -m ziglang cc"
  exit
fi
folder=${WASMILL_TOOLCHAINS:-${XDG_CACHE_HOME:-$HOME/.cache}/wasmill/toolchain}
if ! "$folder/bin/python" -c 'import ziglang' 2>/dev/null; then
  "$(dirname "$0")/../../scripts/toolchains.sh" c >&2
fi
echo "$folder/bin/python -m ziglang cc"
