#!/usr/bin/env bash
# What a row costs in a Wasm function of each kind and language, beside native Rust and PyFlink; then each way to call a plain export.
set -euo pipefail
cd "$(dirname "$0")/.."
benches/functions.py "$@"
cargo run --quiet --release -p wasmill-wasm --example bench
