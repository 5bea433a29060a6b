#!/usr/bin/env bash
# Learns from payments inside the job, as the published tutorial does in a second service, and compares every row with River.
# RIVER_WASM names another build of the module.
set -euo pipefail
cd "$(dirname "$0")"
wasmill=${WASMILL:-../../target/release/wasmill}
rm -rf out && mkdir -p out
script=$(mktemp --suffix .sql -p .)
trap 'rm -f "$script"' EXIT
for job in tutorial river delayed anomalies statistics; do
  cat payments.sql "$job.sql" | sed "s|'river.wasm'|'${RIVER_WASM:-river.wasm}'|" >"$script"
  "$wasmill" run -q "$script"
done
sed "s|'river.wasm'|'${RIVER_WASM:-river.wasm}'|" drift.sql >"$script"
"$wasmill" run -q "$script"
echo "online-learning: rows at which the tree's errors showed a drift: $(awk -F, '$4 == "true" || $7 == "drift" {printf "%s ", $1}' out/drift.csv)"
python3 compare.py
