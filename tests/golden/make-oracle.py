#!/usr/bin/env python3
"""Writes expected.txt of the cases that Flink cannot run (all, or those named): each has an oracle.sql, a query for DuckDB.

usage: make-oracle.py [CASE…] (needs `pip install duckdb`)
"""
import os
import sys

import duckdb

here = os.path.dirname(os.path.abspath(__file__))
for case in sys.argv[1:] or sorted(os.listdir(here)):
    oracle = os.path.join(here, case, "oracle.sql")
    if not os.path.exists(oracle):
        continue
    with open(oracle) as text:
        rows = duckdb.connect().execute(text.read().replace("{DIR}", os.path.dirname(oracle))).fetchall()
    with open(os.path.join(here, case, "expected.txt"), "w") as out:
        out.write("# columns by DuckDB\n")
        for row in rows:
            out.write("+I|" + ",".join("null" if v is None else str(v) for v in row) + "\n")
    print(f"{case}: {len(rows)} rows")
