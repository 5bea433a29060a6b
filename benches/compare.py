#!/usr/bin/env python3
"""Runs the same queries over the same file on wasmill and its rivals, in turn, and prints how many times longer the rivals take.

    benches/compare.py nexmark|fraud|function|process [QUERY…] [--peers flink,pyflink-process,pyflink-thread,duckdb] [--rows N] [--rounds N]

The engines take turns, query by query; after a first round that is not counted the median of the others counts. Of wasmill the
time is that of the whole process, start-up and planning included; of Flink that of the job alone, in a JVM that has run
the same query before. All write to nowhere, run with parallelism 1, and (but DuckDB) take a checkpoint every second. Beside the
time by the clock stands the CPU time of all threads, which other work on the machine does not change.
"""
import argparse
import glob
import math
import os
import subprocess
import sys
import tempfile

from measure import BENCHES, DATA, ROOT, made, median, save, table, wasmill

ALL = ["flink", "pyflink-process", "pyflink-thread", "duckdb"]
NEXMARK = ROOT / "examples/nexmark"
FLINK_OPTIONS = {
    "pipeline.object-reuse": "true",
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "2s",
    "table.exec.mini-batch.size": "50000",
    "execution.checkpointing.interval": "1s",
    "execution.checkpointing.dir": f"file://{DATA}/checkpoints",
}


class Suite:
    """What is run: the tables and queries of each engine over one input file."""

    def __init__(self, name, rows):
        fill = lambda path, **places: self.fill((BENCHES / path).read_text(), **places)
        if name == "nexmark":
            file = made(f"events-{rows}.jsonl", "events-json.sql", rows=rows)
            tables = (NEXMARK / "tables.sql").read_text().replace("data/events.jsonl.gz", str(file))
            function = (NEXMARK / "function.sql").read_text().replace("function/", f"{NEXMARK}/function/")
            self.tables = {"wasmill": tables + function, "flink": tables, "duckdb": fill("peers/duckdb/nexmark.sql", events=file)}
            paths = sorted((NEXMARK / "queries").glob("q*.sql"), key=lambda p: int(p.stem[1:]))
            self.queries = {p.stem: {"wasmill": p, "flink": p, "duckdb": BENCHES / f"peers/duckdb/{p.name}"} for p in paths}
        elif name == "fraud":
            file = made(f"payments-{rows}.csv", "payments-csv.sql", rows=rows)
            tables = fill("fraud/tables.sql", payments=file)
            self.tables = {"wasmill": tables + fill("fraud/functions.sql", fraud=ROOT / "examples/fraud"), "flink": tables,
                           "duckdb": fill("fraud/duckdb-tables.sql", payments=file)}
            self.queries = {"fraud features": {e: BENCHES / f"fraud/{e}.sql" for e in ("wasmill", "flink", "duckdb")}}
        elif name == "process":
            file = made(f"payments-{rows}.csv", "payments-csv.sql", rows=rows)
            tables = fill("fraud/tables.sql", payments=file) + fill("process/cards.sql")
            self.tables = {"wasmill": tables + fill("process/wasm.sql", functions=ROOT / "udf-sdk/examples/c"), "flink": tables}
            files = {"wasmill": "wasmill.sql", "flink": "flink.sql", "pyflink-process": "pyflink.py", "pyflink-thread": "pyflink.py"}
            self.queries = {"quiet": {engine: BENCHES / "process" / file for engine, file in files.items()}}
        else:
            file = made(f"payments-{rows}.jsonl", "payments-json.sql", rows=rows)
            tables = fill("functions/tables.sql", payments=file)
            query = BENCHES / "functions/risk.sql"
            self.tables = {"wasmill": tables + fill("functions/wasm.sql", functions=BENCHES / "functions"), "flink": tables,
                           "duckdb": fill("functions/duckdb-tables.sql", payments=file)}
            self.queries = {"risk(a, b)": {"wasmill": query, "flink": query, "duckdb": query}}

    @staticmethod
    def fill(text, **places):
        for key, value in places.items():
            text = text.replace("{" + key + "}", str(value))
        return text


class Peer:
    """A rival that waits for queries."""

    def __init__(self, name, tables):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".sql")
        self.file.write(tables)
        self.file.flush()
        options = " ".join(f"-Dconf.{k}={v}" for k, v in FLINK_OPTIONS.items())
        self.process = subprocess.Popen(
            [BENCHES / "peers/peer.sh", name, self.file.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "FLINK_OPTIONS": options})

    def run(self, query):
        """How long it takes, by the clock and in CPU time; or why it does not."""
        before = cpu_seconds(self.process.pid)
        self.process.stdin.write(f"{query}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            try:
                # The system counts CPU time in ticks.
                return float(line), max(cpu_seconds(self.process.pid) - before, 1 / os.sysconf("SC_CLK_TCK"))
            except ValueError:
                if line.startswith("failed:"):
                    return line.strip()
        return "failed: the engine has ended"

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()


def cpu_seconds(pid):
    """CPU time of a process, its threads and its descendants (from /proc)."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    children = " ".join(read(task) for task in glob.glob(f"/proc/{pid}/task/*/children")).split()
    own = sum(int(f) for f in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(child) for child in children)


def read(path):
    """A file of /proc; nothing once its process or thread has ended."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def engine_of(peer):
    return "duckdb" if peer == "duckdb" else "flink"


def main():
    args = arguments()
    suite = Suite(args.suite, args.rows)
    queries = {q: files for q, files in suite.queries.items() if not args.query or q in args.query}
    # DuckDB has no process functions.
    peers = {name: Peer(name, suite.tables[engine_of(name)]) for name in args.peers if engine_of(name) in suite.tables}
    times = {q: {name: [] for name in ["wasmill", *peers]} for q in queries}
    for round in range(args.rounds + 1):
        for query, files in queries.items():
            sink = f"CREATE TABLE nowhere WITH ('connector' = 'blackhole') AS\n{files['wasmill'].read_text()}"
            script = suite.tables["wasmill"] + sink
            times[query]["wasmill"].append(wasmill(script, ["execution.checkpointing.interval=1s"]))
            for name, peer in peers.items():
                times[query][name].append(peer.run(files.get(name) or files[engine_of(name)]))
            last = ", ".join(f"{name} {runs[-1]}" for name, runs in times[query].items())
            print(f"round {round}, {query}: {last}", file=sys.stderr, flush=True)
    for peer in peers.values():
        peer.close()
    report(args, times, list(peers))


def report(args, times, peers):
    rows, ratios = [], {name: [] for name in peers}
    for query, engines in times.items():
        wall, cpu = (median(t) for t in zip(*engines["wasmill"][1:]))
        row = [query, f"{wall:.2f} s, {cpu:.2f} s CPU", f"{args.rows / cpu / 1e6:.2f} M"]
        for name in peers:
            failed = [t for t in engines[name] if isinstance(t, str)]
            if failed:
                row.append(failed[0][:60])
                continue
            peer_wall, peer_cpu = (median(t) for t in zip(*engines[name][1:]))
            ratios[name].append((peer_wall / wall, peer_cpu / cpu))
            row.append(f"{peer_wall:.1f} s, {peer_cpu:.1f} s CPU: {peer_wall / wall:.1f}x, {peer_cpu / cpu:.1f}x")
        rows.append(row)
    if len(rows) > 1:
        mean = lambda values: math.exp(sum(map(math.log, values)) / len(values))
        both = lambda pairs: ", ".join(f"{mean(values):.1f}x" for values in zip(*pairs))
        rows.append(["geometric mean", "", "", *[both(ratios[name]) for name in peers]])
    print(f"{args.suite}, {args.rows} rows, {args.rounds} rounds: medians, and how many times longer, by the clock and in CPU time\n")
    table(["query", "wasmill", "rows per CPU s", *peers], rows)
    save(f"compare-{args.suite}", {"rows": args.rows, "flink_options": FLINK_OPTIONS, "seconds": times})


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=["nexmark", "fraud", "function", "process"])
    parser.add_argument("query", nargs="*", help="queries of the suite; all where none is named")
    parser.add_argument("--peers", default=",".join(ALL), help="rivals, with commas between them")
    parser.add_argument("--rows", type=int, help="rows of the input file: 1,000,000, of process 50,000")
    parser.add_argument("--parallelism", type=int, default=1, help="of Flink and PyFlink")
    parser.add_argument("--rounds", type=int, help="counted rounds: 3, of process 1")
    args = parser.parse_args()
    args.peers = [p for p in args.peers.split(",") if p]
    args.rows = args.rows or (50_000 if args.suite == "process" else 1_000_000)
    FLINK_OPTIONS["parallelism.default"] = str(args.parallelism)
    args.rounds = args.rounds or (1 if args.suite == "process" else 3)
    if unknown := [p for p in args.peers if p not in ALL]:
        parser.error(f"no such rival: {', '.join(unknown)}; there are {', '.join(ALL)}")
    return args


if __name__ == "__main__":
    main()
