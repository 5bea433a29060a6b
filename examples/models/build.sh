#!/bin/sh
# Builds models.wasm. Uses rustup's target wasm32-unknown-unknown where it is installed, else Debian's rustc-web with the
# standard library built from source (rustc-web cargo-web rust-web-src lld-22).
set -eu
cd "$(dirname "$0")"
out=${1:-models.wasm}
target=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/wasmill/udf-rust-target}
export CARGO_TARGET_DIR="$target"
# The file says nothing of the machine that it was built on.
flags="--remap-path-prefix=$(cd ../.. && pwd)=wasmill --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
if [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
  RUSTFLAGS="$flags" cargo build --quiet --release --target wasm32-unknown-unknown
elif [ -x /usr/bin/cargo ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src" ]; then
  linker=$(command -v wasm-ld-22 || command -v wasm-ld || command -v rust-lld)
  RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTFLAGS="$flags -Clinker=$linker" /usr/bin/cargo build --quiet --release \
    --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
else
  echo "no Rust compiler for wasm32: run 'rustup target add wasm32-unknown-unknown'," >&2
  echo "or on Debian 'apt-get install rustc-web cargo-web rust-web-src lld-22'" >&2
  exit 3
fi
cp "$target/wasm32-unknown-unknown/release/models.wasm" "$out"
