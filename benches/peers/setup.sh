#!/usr/bin/env bash
# Installs what the comparison runs: Flink with PyFlink, and DuckDB, from the Python package index into a folder of its own.
# Needs Java 11 or later with its compiler and Python 3.9 to 3.12 (PYTHON names one). Prints the folder.
set -euo pipefail
cd "$(dirname "$0")"
flink=2.3.0 duckdb=1.4.2
folder=${WASMILL_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/wasmill/peers-$flink}
if [ ! -e "$folder/installed" ]; then
  python=${PYTHON:-}
  for candidate in python3.11 python3.12 python3.10 python3.9 "$HOME"/.pyenv/versions/3.11*/bin/python \
    "$HOME"/.pyenv/versions/3.1[02]*/bin/python python3; do
    [ -n "$python" ] && break
    "$candidate" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && python=$candidate
  done
  [ -n "$python" ] || { echo "setup: PyFlink $flink needs Python 3.9 to 3.12: name one by PYTHON" >&2; exit 1; }
  command -v javac >/dev/null || { echo "setup: javac is missing: install a JDK, 11 or later" >&2; exit 1; }
  echo "setup: installing Flink $flink, PyFlink and DuckDB $duckdb into $folder (about 1 GB)" >&2
  rm -rf "$folder" && mkdir -p "$folder"
  "$python" -m venv "$folder/venv" >&2
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "apache-flink==$flink" "duckdb==$duckdb" >&2
  touch "$folder/installed"
fi
lib=$(echo "$folder"/venv/lib/python*/site-packages/pyflink/lib)
classpath=$(find "$lib" -name '*.jar' | grep -v log4j-slf4j | tr '\n' ':')
if [ ! -e "$folder/classes/FlinkPeer.class" ] || [ -n "$(find flink ../../examples/fraud/model/weights.h -newer "$folder/classes/FlinkPeer.class" -type f)" ]; then
  mkdir -p "$folder/classes"
  # The trees of the fraud example as Java.
  { echo "class Weights {"
    sed -E -e '/^\/\//d' -e 's/^#define (TREES|DEPTH) (.*)/  static final int \1 = \2;/' -e 's/^#define BASE (.*)/  static final double BASE = \1;/' \
      -e 's/^static const unsigned char (FEATURE).* = \{/  static final int[][] \1 = {/' \
      -e 's/^static const double (THRESHOLD|LEAF).* = \{/  static final double[][] \1 = {/' ../../examples/fraud/model/weights.h
    echo "}"; } > "$folder/classes/Weights.java"
  javac -nowarn -parameters -cp "$classpath" -d "$folder/classes" flink/*.java "$folder/classes/Weights.java" >&2
fi
echo "$classpath$folder/classes" > "$folder/classpath"
echo "$folder"
