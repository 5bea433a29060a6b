#!/usr/bin/env bash
# flink-peer.sh serve TABLES.sql | rows TABLES.sql FOLDER QUERY.sql…: see flink/FlinkPeer.java. FLINK_OPTIONS has -Dconf.KEY=VALUE.
set -euo pipefail
folder=$("$(dirname "$0")/setup.sh")
opens=()
for package in lang net io nio lang.reflect text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
  opens+=(--add-opens "java.base/java.$package=ALL-UNNAMED")
done
# shellcheck disable=SC2086 # FLINK_OPTIONS are several words
exec java -Xmx3g "${opens[@]}" -Duser.timezone=UTC -Dconf.parallelism.default=1 ${FLINK_OPTIONS:-} -cp "$(cat "$folder/classpath")" \
  FlinkPeer "$@" 2>"${FLINK_LOG:-/dev/null}"
