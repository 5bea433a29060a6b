#!/usr/bin/env bash
# make-expected.sh FLINK_SQL [CASE…]: writes expected.txt of each case (all, or those named) with the rows of a real Flink.
# FLINK_SQL is a command that runs a SQL file on Flink, and prints rows as `+I|a,b` behind a line `# columns […]` per query.
# Cases that Flink cannot run have an oracle.sql (see make-oracle.py) or a make.py of their own, and are left alone.
#
# Flink is started once for all cases, each in a database of its own; a case that has SET gets a Flink of its own, since its
# settings would stay.
set -euo pipefail
flink=$(realpath "$1"); shift
cd "$(dirname "$0")"
cases=("$@"); [ ${#cases[@]} -gt 0 ] || cases=(*/)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# The script of a case, with its folder's path.
text() { sed "s|{DIR}|$PWD/$1|g" "$1/case.sql"; echo; }
# Where a case's rows go; what Flink refuses is shown.
keep() {
  cp "$work/rows" "$1/expected.txt"
  echo "$1: $(grep -c '^[+-]' "$1/expected.txt" || true) rows"
  grep '^# error' "$1/expected.txt" || true
}

together=()
for case in "${cases[@]}"; do
  case=${case%/}; [ -e "$case/case.sql" ] || continue
  if [ -e "$case/oracle.sql" ] || [ -e "$case/make.py" ]; then continue; fi
  if grep -qi '^set ' "$case/case.sql"; then
    text "$case" > "$work/script.sql"
    "$flink" "$work/script.sql" > "$work/rows"
    keep "$case"
  else
    together+=("$case")
  fi
done
[ ${#together[@]} -gt 0 ] || exit 0
: > "$work/script.sql"
for i in "${!together[@]}"; do
  printf 'CREATE DATABASE case_%d;\nUSE case_%d;\nSHOW CURRENT DATABASE;\n' "$i" "$i" >> "$work/script.sql"
  text "${together[$i]}" >> "$work/script.sql"
done
"$flink" "$work/script.sql" > "$work/all"
for i in "${!together[@]}"; do
  # From the answer to SHOW CURRENT DATABASE to the next one.
  awk -v mine="+I|case_$i" '
    /^# columns \[current database name\]$/ { asked = 1; next }
    asked { inside = ($0 == mine); asked = 0; next }
    inside' "$work/all" > "$work/rows"
  keep "${together[$i]}"
done
