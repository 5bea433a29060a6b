#!/usr/bin/env bash
# Loads a model of each kind, scores 1,000 payments by each, and compares with the library that the model is from.
# MODELS_WASM names another build of the module.
set -euo pipefail
cd "$(dirname "$0")"
wasmill=${WASMILL:-../../target/release/wasmill}
script=$(mktemp --suffix .sql -p .)
trap 'rm -f "$script"' EXIT
cat tables.sql models.sql compare.sql | sed "s|'models.wasm'|'${MODELS_WASM:-models.wasm}'|" >"$script"
"$wasmill" run -q --output csv "$script" | awk -F, '
  NR > 1 { difference = $2 > $3 ? $2 - $3 : $3 - $2; rows[$1]++; if (difference > worst[$1]) worst[$1] = difference }
  END {
    for (model in rows) {
      printf "models: %-14s %d payments, largest difference %.1e\n", model, rows[model], worst[model]
      models++
      if (rows[model] != 1000 || worst[model] >= 1e-6) wrong = 1
    }
    exit wrong || models != 5
  }' || { echo "models: scores are missing, or differ by 1e-6 or more" >&2; exit 1; }
