#!/usr/bin/env python3
"""Writes in.csv, invented payments in the shape of the Handbook's, and expected.txt, their features by DuckDB.

usage: make.py (needs `pip install duckdb`)
"""
import datetime
import os
import random

import duckdb

here = os.path.dirname(os.path.abspath(__file__))
random.seed(2019)
now, lines = datetime.datetime(2018, 4, 1), []
for number in range(300):
    now += datetime.timedelta(seconds=random.choice([0, 60, 3600, 4 * 3600, 7 * 3600]))
    fraud = int(random.random() < 0.15)
    amount = random.randrange(2, 400) / 2  # no average of these lies on the border of a rounding
    lines.append(f"{number},{now},{random.randrange(4)},{random.randrange(6)},{amount},{fraud}")
with open(f"{here}/in.csv", "w") as out:
    out.write("\n".join(lines) + "\n")

names = "{'id': 'BIGINT', 'ts': 'TIMESTAMP', 'customer': 'BIGINT', 'terminal': 'BIGINT', 'amount': 'DOUBLE', 'fraud': 'BIGINT'}"


def window(what, key, days):
    """`what` over the rows up to this one in the `days` before it; the window is open on the left."""
    return (f"(SELECT {what} FROM t AS o WHERE o.{key} = t.{key} AND o.ts > t.ts - INTERVAL {days} DAY "
            f"AND (o.ts < t.ts OR o.ts = t.ts AND o.id <= t.id))")


columns = ["id", "CASE WHEN isodow(ts) >= 6 THEN 1 ELSE 0 END", "CASE WHEN hour(ts) <= 6 THEN 1 ELSE 0 END"]
for days in (1, 7, 30):
    columns += [window("count(*)", "customer", days), window("avg(amount)", "customer", days)]
for days in (1, 7, 30):
    count = f"({window('count(*)', 'terminal', days + 7)} - {window('count(*)', 'terminal', 7)})"
    frauds = f"({window('sum(fraud)', 'terminal', days + 7)} - {window('sum(fraud)', 'terminal', 7)})"
    columns += [count, f"coalesce({frauds}::DOUBLE / nullif({count}, 0), 0.0)"]
query = f"WITH t AS (FROM read_csv('{here}/in.csv', header = false, columns = {names})) SELECT {', '.join(columns)} FROM t ORDER BY id"
with open(f"{here}/expected.txt", "w") as out:
    out.write("# columns by DuckDB\n")
    for row in duckdb.sql(query).fetchall():
        out.write("+I|" + ",".join(map(str, row)) + "\n")
