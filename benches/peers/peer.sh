#!/usr/bin/env bash
# peer.sh flink|pyflink-process|pyflink-thread|duckdb TABLES.sql: the engine, running each query whose path comes on standard input.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(./setup.sh)
log=${PEER_LOG:-/dev/null}
case $1 in
  flink) FLINK_LOG=$log exec ./flink-peer.sh serve "$2" ;;
  pyflink-*)
    # The interpreters that Flink starts or embeds find the functions, and in thread mode even PyFlink itself, by this alone.
    PYTHONPATH=$(echo "$folder"/venv/lib/python*/site-packages):$PWD/python
    export PYTHONPATH
    exec "$folder/venv/bin/python" python/pyflink_peer.py "${1#pyflink-}" "$2" 2>"$log"
    ;;
  duckdb) exec "$folder/venv/bin/python" python/duckdb_peer.py "$2" 2>"$log" ;;
  *) echo "peer.sh: there is no engine '$1'" >&2; exit 2 ;;
esac
