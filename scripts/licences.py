#!/usr/bin/env python3
"""Checks every dependency: its licence is one of those allowed, and it comes from crates.io. Exits with 1 otherwise."""
import json
import re
import subprocess
import sys

ALLOWED = {"Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC",
           "Unicode-3.0", "Zlib", "0BSD", "Unlicense", "MIT-0", "BSL-1.0", "LGPL-2.1-or-later"}
BANNED = {"openssl-sys", "datafusion"}


def allowed(expression):
    """A SPDX expression: OR needs one side, AND all."""
    expression = expression.replace("/", " OR ").strip()
    expression = re.sub(r"\(([^()]*)\)", lambda m: "YES" if allowed(m[1]) else "NO", expression)
    return any(all(p.strip() == "YES" or p.strip() in ALLOWED for p in side.split(" AND ")) for side in expression.split(" OR "))


def main():
    metadata = json.loads(subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked"], check=True, capture_output=True).stdout)
    faults = []
    for package in metadata["packages"]:
        name, source = f"{package['name']} {package['version']}", package["source"]
        if source is None:
            continue
        if not source.startswith("registry+https://github.com/rust-lang/crates.io-index"):
            faults.append(f"{name} comes from {source}")
        if not allowed(package["license"] or ""):
            faults.append(f"{name} has the licence {package['license'] or 'of no name'}")
        if package["name"] in BANNED:
            faults.append(f"{name} is banned")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    print(f"licences: {len(metadata['packages'])} packages, {len(faults)} faults")
    sys.exit(bool(faults))


main()
