#!/usr/bin/env python3
"""Measures wasmill alone and prints each figure beside its bar.

    benches/bars.py [ingest] [tumble] [over] [start] [latency] [--rounds N]

ingest, tumble and over run on one processor and count rows a second, by the clock and by CPU time (which other work on the
machine does not change), start-up included; the median of the rounds counts. start is the time from starting the process to
its first row. latency sends single events to an idle pipeline, then 100,000 a second, and is the time until an event's
row comes out. See functions.sh for functions.
"""
import argparse
import subprocess
import sys
import tempfile
import threading
import time

from measure import WASMILL, made, median, save, table, wasmill

CHECKPOINTS = ["execution.checkpointing.interval=1s"]


def ingest(rounds):
    rows = 4_000_000
    file = made(f"payments-{rows}.jsonl", "payments-json.sql", rows=rows)
    bytes_a_row = file.stat().st_size / rows
    sql = f"""
        CREATE TABLE payments (tx_id BIGINT, card STRING, merchant STRING, amount DOUBLE, ts TIMESTAMP(3), lat DOUBLE, online BOOLEAN)
        WITH ('connector' = 'filesystem', 'path' = '{file}', 'format' = 'json');
        CREATE TABLE nowhere WITH ('connector' = 'blackhole') AS
        SELECT tx_id, card, amount * 1.1 AS amount FROM payments WHERE amount > 50"""
    return rate(f"JSON lines of {bytes_a_row:.0f} bytes, filter, project", sql, rows, rounds, 2e6)


def tumble(rounds):
    rows = 20_000_000
    file = made(f"keyed-{rows}.parquet", "keyed-parquet.sql", rows=rows, pace=1, keys=1000)
    sql = f"""
        CREATE TABLE keyed (k BIGINT, t TIMESTAMP(3), v DOUBLE, WATERMARK FOR t AS t)
        WITH ('connector' = 'filesystem', 'path' = '{file}', 'format' = 'parquet');
        CREATE TABLE nowhere WITH ('connector' = 'blackhole') AS
        SELECT k, window_start, COUNT(*) AS n, SUM(v) AS total, MAX(v) AS highest
        FROM TABLE(TUMBLE(TABLE keyed, DESCRIPTOR(t), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end"""
    return rate("Parquet, TUMBLE 1 minute by 1,000 keys: COUNT, SUM, MAX", sql, rows, rounds, 20e6)


def over(rounds):
    rows = 4_000_000
    file = made(f"cards-{rows}.parquet", "keyed-parquet.sql", rows=rows, pace=10, keys=10_000)
    window = "OVER (PARTITION BY k ORDER BY t RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)"
    sql = f"""
        CREATE TABLE cards (k BIGINT, t TIMESTAMP(3), v DOUBLE, WATERMARK FOR t AS t - INTERVAL '5' SECOND)
        WITH ('connector' = 'filesystem', 'path' = '{file}', 'format' = 'parquet');
        CREATE TABLE nowhere WITH ('connector' = 'blackhole') AS
        SELECT k, t, COUNT(*) {window} AS n, SUM(v) {window} AS total, MAX(v) {window} AS highest FROM cards"""
    return rate("Parquet, OVER RANGE 1 hour by 10,000 cards: COUNT, SUM, MAX", sql, rows, rounds, 4e6)


def rate(name, sql, rows, rounds, bar):
    runs = [wasmill(sql, CHECKPOINTS, pin=True) for _ in range(rounds + 1)][1:]
    wall, cpu = (rows / median(seconds) / 1e6 for seconds in zip(*runs))
    result = f"{wall:.1f} M rows/s ({cpu:.1f} M by CPU time)"
    return [(name, result, f"{bar / 1e6:.0f} M rows/s", {"rows_per_second": wall * 1e6, "rows_per_cpu_second": cpu * 1e6})]


def start(rounds):
    times = []
    for _ in range(10 * rounds):
        begun = time.monotonic()
        child = subprocess.Popen([WASMILL, "run", "-q", "-e", "SELECT 1"], stdout=subprocess.PIPE)
        child.stdout.readline()
        times.append((time.monotonic() - begun) * 1e3)
        child.stdout.read()
        child.wait()
    figures = {"median_ms": median(times), "max_ms": max(times)}
    return [("start of `wasmill run` to its first row", f"{median(times):.0f} ms", "150 ms", figures)]


class Pipeline:
    """A running query from standard input to standard output."""

    def __init__(self, where):
        self.script = tempfile.NamedTemporaryFile("w", suffix=".sql")
        self.script.write(f"""
            CREATE TABLE events (id BIGINT, name STRING, amount DOUBLE) WITH ('connector' = 'stdin', 'format' = 'json');
            CREATE TABLE rows_out (id BIGINT, twice DOUBLE) WITH ('connector' = 'stdout', 'format' = 'json');
            INSERT INTO rows_out SELECT id, amount * 2 FROM events WHERE amount > 0 {where}""")
        self.script.flush()
        command = [WASMILL, "run", "-q", self.script.name, "--set", *CHECKPOINTS]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, ids):
        self.process.stdin.write(b"".join(b'{"id":%d,"name":"some name that is not read","amount":12.5}\n' % i for i in ids))
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        return int(line[line.index(b":") + 1 : line.index(b",")]) if line else None

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


def latency(rounds):
    return [single_events(400 * rounds), many_events(2 * rounds)]


def single_events(count):
    pipeline = Pipeline("")
    times = []
    for i in range(count + 50):
        begun = time.monotonic()
        pipeline.send([i])
        assert pipeline.receive() == i
        times.append((time.monotonic() - begun) * 1e6)
        time.sleep(0.002)
    pipeline.close()
    times = sorted(times[50:])
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    result = f"p50 {p50:.0f} us, p99 {p99:.0f} us"
    return ("one event through an idle pipeline", result, "p50 1 ms, p99 10 ms", {"p50_us": p50, "p99_us": p99})


def many_events(seconds, a_second=100_000):
    """Events in groups a millisecond apart; each hundredth comes out and is timed."""
    pipeline = Pipeline("AND MOD(id, 100) = 0")
    sent, times = {}, []

    def read():
        while (event := pipeline.receive()) is not None:
            times.append((time.monotonic() - sent.pop(event)) * 1e6)

    reader = threading.Thread(target=read)
    reader.start()
    group, begun = a_second // 1000, time.monotonic()
    for millisecond in range(seconds * 1000):
        while time.monotonic() < begun + millisecond / 1000:
            time.sleep(0.0001)
        first = millisecond * group
        sent[first] = time.monotonic()
        pipeline.send(range(first, first + group))
    achieved = seconds * a_second / (time.monotonic() - begun)
    pipeline.close()
    reader.join()
    times = sorted(times[len(times) // 10 :])
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    result = f"p50 {p50:.0f} us, p99 {p99:.0f} us"
    figures = {"p50_us": p50, "p99_us": p99, "events_per_second": achieved}
    return (f"{achieved:.0f} events/s, checkpoints on", result, "p50 1 ms, p99 10 ms", figures)


def main():
    bars = {f.__name__: f for f in (ingest, tumble, over, start, latency)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bar", nargs="*", help=", ".join(bars))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if unknown := [b for b in args.bar if b not in bars]:
        parser.error(f"no such bar: {', '.join(unknown)}; there are {', '.join(bars)}")
    results = [r for name in args.bar or bars for r in bars[name](args.rounds)]
    table(["what", "figure", "bar"], [r[:3] for r in results])
    save("bars" if not args.bar else "-".join(args.bar), {"figures": {r[0]: r[3] for r in results}})


sys.exit(main())
