#!/usr/bin/env bash
# make-expected.sh FLINK_SQL [CASE…]: writes expected.txt of each case (all, or those named) with the rows of a real Flink.
# FLINK_SQL is a command that runs a SQL file on Flink and prints rows as `+I|a,b`. Cases that Flink cannot run have an
# oracle.sql (see make-oracle.py) or a make.py of their own, and are left alone.
set -euo pipefail
flink=$(realpath "$1"); shift
cd "$(dirname "$0")"
cases=("$@"); [ ${#cases[@]} -gt 0 ] || cases=(*/)
script=$(mktemp --suffix .sql); trap 'rm -f "$script"' EXIT
for case in "${cases[@]}"; do
  case=${case%/}
  if [ -e "$case/oracle.sql" ] || [ -e "$case/make.py" ]; then continue; fi
  sed "s|{DIR}|$PWD/$case|g" "$case/case.sql" > "$script"
  "$flink" "$script" > "$case/expected.txt"
  echo "$case: $(grep -c '^[+-]' "$case/expected.txt" || true) rows"
done
