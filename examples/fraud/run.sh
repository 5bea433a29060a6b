#!/usr/bin/env bash
# Runs the fraud job on the payments of data/, then says what it found.
set -euo pipefail
cd "$(dirname "$0")"
wasmill=${WASMILL:-../../target/release/wasmill}
rm -rf out && mkdir -p out
echo "fraud: scoring card payments (fraud.sql)"
start=$(date +%s.%N)
"$wasmill" run fraud.sql
seconds=$(echo "$(date +%s.%N) $start" | awk '{printf "%.2f", $1 - $2}')
echo "fraud: hourly and per-merchant windows (windows.sql)"
"$wasmill" run windows.sql
echo "fraud: what was found (summary.sql), in $seconds s"
"$wasmill" run summary.sql --output table
printf 'fraud: %s late payments; all tables are in examples/fraud/out\n' "$(cat out/late* 2>/dev/null | wc -l)"
