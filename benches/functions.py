#!/usr/bin/env python3
"""What a row costs in a Wasm function, for each kind and language, beside native Rust and PyFlink: one table.

    benches/functions.py [LANGUAGE…] [--peers pyflink-process,pyflink-thread] [--rounds N]

1. Every language's example is built from source (scripts/toolchains.sh installs the compilers) and measured by `wasmill udf bench`: batches of
   8,192 rows in memory, copies and deadlines included, the best of many rounds; of an aggregate function a call adds to 1,000 groups.
2. How long it takes from the start of the program to the first result after CREATE FUNCTION, less what it takes without a function: with code
   compiled anew, and from the cache.
3. The whole job of functions/risk.sql over 500,000 rows of JSON, on wasmill and on PyFlink.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import compare
from measure import BENCHES, DATA, ROOT, WASMILL, median, run, save, table, wasmill

LANGUAGES = ["rust", "c", "zig", "go", "assemblyscript", "python", "javascript"]
EXAMPLES = ROOT / "udf-sdk/examples"
ROWS = 500_000


def build(languages, folder):
    """The module of each language; where a compiler is missing the run ends, and says which."""
    environment = {**os.environ, "WASMILL": WASMILL, "WASMILL_UDF_MODULES": str(folder)}
    built = subprocess.run([ROOT / "scripts/udf-examples.sh", *languages], env=environment, stdout=sys.stderr)
    if built.returncode:
        sys.exit("benches/functions.py: not every example could be built")


def measured(module, *options):
    given = subprocess.run([WASMILL, "udf", "bench", "--json", *options, module], capture_output=True, text=True)
    if given.returncode:
        sys.exit(f"wasmill udf bench {module}: {given.stderr}")
    return [json.loads(line) for line in given.stdout.splitlines()]


def costs(languages, folder):
    """Rows of the first table, and the figures."""
    rows, figures = [], []
    for language in languages:
        if language == "c":
            # The examples in C do not describe themselves.
            given = measured(EXAMPLES / "c/columns.wasm", "--signature", "blend(a DOUBLE, b DOUBLE) RETURNS DOUBLE")
        else:
            given = measured(folder / f"{language}.wasm")
        for one in given:
            if one["ns_per_row"] is None:
                continue
            figures.append({"language": language, **one})
            native = one["native_ns_per_row"]
            beside = [f"{native:.2f}", f"{one['ns_per_row'] / native:.1f}x"] if native else ["", ""]
            rows.append([language, one["function"], one["way"], f"{one['ns_per_row']:.2f}", *beside])
    return rows, figures


def first_results(languages, folder, rounds):
    """Milliseconds to the first result, compiled anew and from the cache."""
    calls = {"rust": "first_known('a', 'b')", "c": "risk(1.0, 2.0)", "zig": "risk(1.0, 2.0)", "go": "risk(1.0, 2.0)",
             "assemblyscript": "risk(1.0, 2.0)", "python": "risk(1.0, 'DE')", "javascript": "risk(1.0, 'DE')"}
    nothing = median(seconds("SELECT 1;", {}) for _ in range(rounds))
    rows, figures = [], {}
    for language in languages:
        module = BENCHES / "functions/risk.wasm" if language == "c" else folder / f"{language}.wasm"
        arguments = "(a DOUBLE, b DOUBLE) RETURNS DOUBLE" if language == "c" else ""
        name = calls[language].split("(")[0]
        sql = f"CREATE FUNCTION {name}{arguments} LANGUAGE WASM USING FILE '{module}';\nSELECT {calls[language]};"
        with tempfile.TemporaryDirectory() as cache:
            environment = {"XDG_CACHE_HOME": cache}
            anew = seconds(sql, environment) - nothing
            cached = median(seconds(sql, environment) for _ in range(rounds)) - nothing
        figures[language] = {"bytes": module.stat().st_size, "anew_ms": 1e3 * anew, "cached_ms": 1e3 * cached}
        rows.append([language, f"{module.stat().st_size / 1e3:.0f} KB", f"{1e3 * anew:.0f}", f"{1e3 * cached:.0f}"])
    return rows, figures


def seconds(sql, environment):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(sql)
        script.flush()
        return run([WASMILL, "run", "-q", script.name], env={**os.environ, **environment})[0]


def jobs(peers, rounds):
    """The same query as a whole job: the table's row for each engine, seconds of the clock and of CPU time."""
    suite = compare.Suite("function", ROWS)
    (files,) = suite.queries.values()
    script = suite.tables["wasmill"] + f"CREATE TABLE nowhere WITH ('connector' = 'blackhole') AS\n{files['wasmill'].read_text()}"
    engines = {"wasmill": lambda: wasmill(script, ["execution.checkpointing.interval=1s"])}
    running = {name: compare.Peer(name, suite.tables["flink"]) for name in peers}
    for name, peer in running.items():
        engines[name] = lambda peer=peer: peer.run(files["flink"])
    times = {name: [] for name in engines}
    for round in range(rounds + 1):
        for name, engine in engines.items():
            given = engine()
            if isinstance(given, str):
                sys.exit(f"{name}: {given}")
            if round:
                times[name].append(given)
    for peer in running.values():
        peer.close()
    medians = {name: [median(t) for t in zip(*all)] for name, all in times.items()}
    own = medians["wasmill"]
    rows = [[name, f"{1e9 * wall / ROWS:.0f}", f"{1e9 * cpu / ROWS:.0f}", f"{wall / own[0]:.1f}x, {cpu / own[1]:.1f}x"]
            for name, (wall, cpu) in medians.items()]
    return rows, times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", nargs="*", choices=[[], *LANGUAGES], help="only these languages")
    parser.add_argument("--peers", default="pyflink-process,pyflink-thread", help="with commas between; none where this is empty")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    languages = args.language or LANGUAGES
    folder = DATA / "functions"
    folder.mkdir(parents=True, exist_ok=True)
    build(languages, folder)
    rows, figures = costs(languages, folder)
    print("\nns a row over columns in memory, and how many times the native function's\n")
    table(["language", "function", "kind", "ns a row", "native Rust", "factor"], rows)
    first, first_figures = first_results(languages, folder, args.rounds)
    print("\nms from CREATE FUNCTION to the first result\n")
    table(["language", "module", "compiled anew", "from the cache"], first)
    peers = [p for p in args.peers.split(",") if p]
    whole, times = jobs(peers, args.rounds)
    print(f"\n0.7a + b/(1+|a|) + 0.25·max(b, 0), the whole job over {ROWS} rows of JSON: ns a row\n")
    table(["engine", "by the clock", "CPU time", "times wasmill's"], whole)
    save("functions", {"rows": figures, "first_result": first_figures, "jobs": times})


main()
