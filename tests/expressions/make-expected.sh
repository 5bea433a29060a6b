#!/usr/bin/env bash
# make-expected.sh FLINK_LIB [FILE.txt…]: writes expected/NAME.jsonl of each file of expressions (all, or those named) with the
# types and values of a real Flink. FLINK_LIB is a folder with Flink's jars; needs Java 17.
set -euo pipefail
lib=$(realpath "$1"); shift
cd "$(dirname "$0")"
files=("$@"); [ ${#files[@]} -gt 0 ] || files=(*.txt)
opens=()
for package in java.lang java.net java.io java.nio java.lang.reflect java.text java.time java.util java.util.concurrent \
  java.util.concurrent.atomic java.util.concurrent.locks; do
  opens+=(--add-opens "java.base/$package=ALL-UNNAMED")
done
classpath=$(find "$lib" -name '*.jar' | grep -v log4j-slf4j | tr '\n' ':')
exec java -Xmx2g -XX:+UseSerialGC "${opens[@]}" -Duser.timezone=UTC -cp "$classpath" Expressions.java . "${files[@]}"
