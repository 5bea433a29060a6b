#!/usr/bin/env bash
# Builds the example and the template of every language from source, and runs their cases through the engine: `make udf-examples`.
# With names, only those languages. A toolchain that cannot be had fails by name. WASMILL_UDF_MODULES keeps the examples' modules in that folder.
set -uo pipefail
cd "$(dirname "$0")/.."
wasmill=${WASMILL:-target/release/wasmill}
wasmill=$(realpath "$wasmill")
[ $# -gt 0 ] || set -- rust c zig go assemblyscript python javascript
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# Rust's standard library is built once for all.
export CARGO_TARGET_DIR=${WASMILL_UDF_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/wasmill/udf-target}
passed=0
failed=()

# Files of an example, as `wasmill udf new` lays them out.
lay_out() { # lay_out LANGUAGE FOLDER
  local sdk=udf-sdk
  mkdir -p "$2"
  case $1 in
    rust)
      cp -r $sdk/examples/rust/src $sdk/examples/rust/Cargo.toml "$2" && mkdir -p "$2/sdk" && cp -r $sdk/rust $sdk/rust-macros "$2/sdk" &&
        sed -i -e 's|path = "../../rust"|path = "sdk/rust"|' -e 's|^\[workspace\]|&\nexclude = ["sdk"]|' "$2/Cargo.toml"
      ;;
    zig) cp $sdk/examples/zig/functions.zig $sdk/zig/wasmill.zig "$2" ;;
    go)
      cp $sdk/examples/go/*.go "$2" && cp -r $sdk/go/wasmill "$2" &&
        printf 'module wasmill.example/functions\n\ngo 1.24\n' >"$2/go.mod"
      ;;
    assemblyscript) cp $sdk/examples/assemblyscript/functions.ts $sdk/assemblyscript/wasmill.ts "$2" ;;
    python) cp $sdk/examples/python/app.py $sdk/python/wasmill.py $sdk/udf.wit "$2" ;;
    javascript) cp $sdk/examples/javascript/functions.js $sdk/javascript/* $sdk/udf.wit "$2" ;;
  esac
}

step() { # step LANGUAGE WHAT COMMAND…
  local language=$1 what=$2 start=$SECONDS
  shift 2
  if "$@" >"$out/log" 2>&1; then
    echo "udf-examples: $language: $what ($((SECONDS - start)) s)"
    passed=$((passed + 1))
    return 0
  fi
  echo "udf-examples: $language: $what FAILED" >&2
  tail -n 30 "$out/log" >&2
  failed+=("$language")
  return 1
}

for language in "$@"; do
  step "$language" "toolchain" scripts/toolchains.sh "$language" || continue
  if [ "$language" = c ]; then
    # The examples in C have their own script, and their tests are the engine's.
    step c "examples built" udf-sdk/examples/c/build.sh "$out" &&
      step c "process functions" "$wasmill" udf test "$out/process.wasm" udf-sdk/examples/process.txt
  else
    example=$out/example-$language
    step "$language" "example laid out" lay_out "$language" "$example" &&
      step "$language" "example built" "$wasmill" udf build "$example" --output "$out/$language.wasm" &&
      step "$language" "example's cases" "$wasmill" udf test "$out/$language.wasm" "udf-sdk/examples/$language/cases.txt" &&
      [ -n "${WASMILL_UDF_MODULES:-}" ] && cp "$out/$language.wasm" "$WASMILL_UDF_MODULES"
  fi
  case $language in
    rust | go) step "$language" "process functions" "$wasmill" udf test "$out/$language.wasm" udf-sdk/examples/process.txt ;;
  esac
  if [ "$language" = rust ]; then
    step rust "example's own tests" cargo test --quiet --offline --manifest-path "$example/Cargo.toml"
    step rust "online learning built" examples/online-learning/river/build.sh "$out/river.wasm" &&
      step rust "online learning beside River" env WASMILL="$wasmill" RIVER_WASM="$out/river.wasm" examples/online-learning/run.sh
    step rust "models built" examples/models/build.sh "$out/models.wasm" &&
      step rust "models beside XGBoost, LightGBM, scikit-learn" env WASMILL="$wasmill" MODELS_WASM="$out/models.wasm" examples/models/run.sh
  fi
  template=$out/template-$language
  step "$language" "template made" "$wasmill" udf new --lang "$language" "$template" &&
    step "$language" "template built" "$wasmill" udf build "$template" --output "$template/module.wasm" &&
    step "$language" "template's cases" "$wasmill" udf test "$template/module.wasm"
  case $language in
    rust | c | go) kinds="aggregate table process model" ;;
    *) kinds= ;;
  esac
  for kind in $kinds; do
    template=$out/template-$language-$kind
    step "$language" "template of a $kind made" "$wasmill" udf new --lang "$language" --kind "$kind" "$template" &&
      step "$language" "template of a $kind built" "$wasmill" udf build "$template" --output "$template/module.wasm" &&
      step "$language" "template of a $kind: its cases" "$wasmill" udf test "$template/module.wasm"
  done
done
echo "$passed passed, ${#failed[@]} failed"
if [ ${#failed[@]} -gt 0 ]; then
  echo "udf-examples: failed: ${failed[*]}" >&2
  exit 1
fi
