#!/bin/sh
# Builds the modules into the folder given (this one, if none is).
set -eu
cd "$(dirname "$0")"
out=${1:-.}
if [ -z "${CC:-}" ]; then
  CC=$(../../c/find-cc.sh)
fi
for name in text columns aggregates tables process model online; do
  # shellcheck disable=SC2086 # CC may be several words
  $CC --target=wasm32-freestanding -O3 -mcpu=baseline+simd128+bulk_memory -ffp-contract=off -nostdlib -fno-sanitize=all \
    -Wall -Wextra -Werror -Wno-unused-function -Wl,--no-entry -Wl,--strip-debug -o "$out/$name.wasm" "$name.c"
done
