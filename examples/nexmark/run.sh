#!/usr/bin/env bash
# run.sh [QUERY…]: runs queries of the Nexmark benchmark (all, or those named: q0, q5, …) and counts their rows; with one name
# it prints them.
set -euo pipefail
cd "$(dirname "$0")"
wasmill=${WASMILL:-../../target/release/wasmill}
script=$(mktemp --suffix .sql); trap 'rm -f "$script"' EXIT
if [ $# -eq 1 ]; then
  cat tables.sql function.sql "queries/$1.sql" > "$script"
  "$wasmill" run "$script"
  exit
fi
[ $# -gt 0 ] || set -- $(cd queries && ls | sed 's/.sql//' | sort -V)
for query in "$@"; do
  cat tables.sql function.sql "queries/$query.sql" > "$script"
  printf '%-4s %6d rows  %s\n' "$query" "$("$wasmill" run -q --output json "$script" | wc -l)" \
    "$(sed -n '1s/^-- q[0-9]*, //p' "queries/$query.sql")"
done
