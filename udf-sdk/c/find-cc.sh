#!/bin/sh
# Prints a command that compiles C to wasm32: the C compiler of the Python package ziglang, installed for this user under
# ~/.cache/wasmill/toolchain where it is not there yet.
set -eu
if python3 -c 'import ziglang' 2>/dev/null; then
  echo "python3 -m ziglang cc"
  exit
fi
folder=${XDG_CACHE_HOME:-$HOME/.cache}/wasmill/toolchain
if [ ! -x "$folder/bin/python" ]; then
  echo "installing the C compiler for Wasm (PyPI ziglang, about 90 MB) into $folder" >&2
  python3 -m venv "$folder.new" >&2
  "$folder.new/bin/pip" install --quiet --disable-pip-version-check ziglang >&2
  rm -rf "$folder"
  mv "$folder.new" "$folder"
fi
echo "$folder/bin/python -m ziglang cc"
