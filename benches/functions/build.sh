#!/bin/sh
# Builds risk.wasm from risk.c, with the C compiler of the Python package ziglang (installed into a folder of its own
# where it is missing). Another clang with a wasm32 target does as well: CC="clang" ./build.sh
set -eu
cd "$(dirname "$0")"
out=${1:-risk.wasm}
if [ -z "${CC:-}" ]; then
  CC=$(../../udf-sdk/c/find-cc.sh)
fi
# shellcheck disable=SC2086 # CC may be several words
$CC --target=wasm32-freestanding -O3 -mcpu=baseline+simd128 -ffp-contract=off -nostdlib -fno-sanitize=all \
  -Wall -Wextra -Werror -Wl,--no-entry -Wl,--strip-debug -o "$out" risk.c
