#!/usr/bin/env bash
# Makes sure that what the build needs is there: a Rust toolchain, a C compiler, the lld linker and Python 3.
# As root on Debian or Ubuntu it installs what is missing; elsewhere it says what to install, and exits with 1.
set -euo pipefail
missing=()
have() { command -v "$1" >/dev/null 2>&1; }
have cc || missing+=(gcc libc6-dev)
have ld.lld || missing+=(lld)
have python3 || missing+=(python3)
have python3 && python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if ! have cargo; then
  echo "error: cargo is missing" >&2
  echo "hint: install Rust with rustup (https://rustup.rs), then run make again" >&2
  exit 1
fi
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && have apt-get; then
    echo "setup: installing ${missing[*]}"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  else
    echo "error: the build needs ${missing[*]}" >&2
    echo "hint: on Debian or Ubuntu: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
