#!/usr/bin/env python3
"""duckdb_peer.py TABLES.sql: runs each query whose path comes on standard input on DuckDB, reads its rows in batches and drops them,
and prints the seconds. One thread; DuckDB runs the query once over a file that it knows to end: the limit for a stream processor."""
import sys
import time

import duckdb
import pyarrow
import udfs


def main():
    db = duckdb.connect()
    db.execute("SET threads TO 1")
    db.execute("SET preserve_insertion_order TO false")
    doubles = ["DOUBLE"] * 8
    score = lambda a, b, c, d, e, f, g, h: pyarrow.array(udfs.fraud_score_columns(a, b, c, d, e, f, g, h))
    db.create_function("fraud_score", score, doubles, "DOUBLE", type="arrow")
    db.execute(open(sys.argv[1]).read())
    for line in sys.stdin:
        try:
            start = time.monotonic()
            for _ in db.execute(open(line.strip()).read()).fetch_record_batch(8192):
                pass
            print(f"{time.monotonic() - start:.3f}", flush=True)
        except Exception as error:
            print("failed:", " ".join(str(error).split())[:300], flush=True)


main()
