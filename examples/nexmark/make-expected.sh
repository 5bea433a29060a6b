#!/usr/bin/env bash
# make-expected.sh [QUERY…]: writes expected/QUERY.csv.gz (all queries, or those named) with the rows of a real Flink, in the
# form that canonical.py makes.
set -euo pipefail
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- $(cd queries && ls | sed 's/.sql//' | sort -V)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
sed "s|data/events|$PWD/data/events|" tables.sql > "$work/tables.sql"
mkdir -p expected
../../benches/peers/flink-peer.sh rows "$work/tables.sql" "$work" $(printf 'queries/%s.sql ' "$@")
for query in "$@"; do
  python3 canonical.py < "$work/$query.rows" | gzip -9n > "expected/$query.csv.gz"
  echo "$query: $(zcat "expected/$query.csv.gz" | wc -l) rows"
done
