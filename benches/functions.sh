#!/usr/bin/env bash
# What a row costs in a Wasm function of each kind, beside a native loop: bar 2.5 x native for a plain export.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo run --quiet --release -p wasmill-wasm --example bench
