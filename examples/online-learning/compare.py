#!/usr/bin/env python3
"""compare.py: compares out/ with expected/ row by row. Decisions, ROC AUC and flags must be equal; prints the largest relative
difference of the numbers, and ends with 1 where it is above 1e-12."""
import csv

LARGEST = 1e-12
# out file, expected file, and the expected columns that the out file's are compared with
FILES = [
    ("tutorial", "logistic", ["tut_pred", "tut_proba", "tut_rocauc"]),
    ("river", "logistic", ["r026_pred", "r026_proba", "r026_rocauc"]),
    ("delayed", "delayed", ["pred", "proba"]),
    ("anomalies", "anomalies", ["score"]),
    ("drift", "trees", ["row", "nba_pred", "nba_proba", "adwin", "adwin_mean", "page_hinkley", "ddm"]),
    ("statistics", "statistics", ["ew_mean", "ew_var", "median", "p95", "mad", "rolling_q90", "rolling_iqr", "skew", "kurtosis", "entropy"]),
]


def difference(found, expected):
    if found.lower() == expected.lower():
        return 0.0
    try:
        a, b = float(found), float(expected)
    except ValueError:
        return float("inf")
    return 0.0 if a == b else abs(a - b) / max(abs(b), 1e-300)


failed = False
for name, oracle, columns in FILES:
    with open(f"out/{name}.csv", newline="") as file:
        rows = list(csv.reader(file))
    with open(f"expected/{oracle}.csv", newline="") as file:
        expected = list(csv.DictReader(file))
    largest = max(difference(x, e[c]) for r, e in zip(rows, expected) for x, c in zip(r, columns, strict=True))
    wrong = largest > LARGEST or len(rows) < len(expected)
    failed |= wrong
    auc = f", ROC AUC {rows[-1][2]}" if oracle == "logistic" else ""
    print(f"online-learning: {name}: {len(expected)} rows{auc}, largest relative difference from River {largest:.1e}{' FAILED' if wrong else ''}")
raise SystemExit(failed)
