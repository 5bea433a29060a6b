#!/usr/bin/env python3
"""Fits the example's model and writes its weights, weights.h, into this folder.

    pip install pandas scikit-learn
    python train.py ../data/transactions.csv ../data/customers.csv

Computes the features as fraud.sql does: per payment, from what has arrived by then. Fits gradient-boosted trees on the
payments of seven cards in ten, prints how they do on the other cards, and then fits the trees that are written on all.
"""

import sys
from collections import defaultdict, deque
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

FEATURES = ["count_1min", "count_5min", "amount_1h", "deviation_7d", "home_km", "speed_kmh", "amount", "hour"]
TREES, DEPTH, LEARNING_RATE = 60, 3, 0.15
THRESHOLD = 0.5
EARTH_KM = 6371.0088


def haversine_km(lat1, lon1, lat2, lon2):
    a = sin(radians(lat2 - lat1) / 2) ** 2
    b = cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(a + b)))


def features(transactions, customers):
    """One row a payment, in time order; windows end with the payment and include it, as RANGE … AND CURRENT ROW does."""
    home = {row.cc_num: (row.lat, row.long) for row in customers.itertuples()}
    recent = defaultdict(deque)  # (time, amount) of the last 7 days, by card
    last = {}  # (time, lat, lon), by card
    rows = []
    for t in transactions.itertuples():
        card, now, amount = t.cc_num, t.unix_time, t.amt
        window = recent[card]
        window.append((now, amount))
        while window[0][0] < now - 7 * 86400:
            window.popleft()
        within = lambda seconds: [a for at, a in window if at >= now - seconds]
        count_1min, count_5min, hour_amounts = len(within(60)), len(within(300)), within(3600)
        average = sum(a for _, a in window) / len(window)
        lat, lon = home[card]
        speed = 0.0
        if card in last:
            at, last_lat, last_lon = last[card]
            hours = max(now - at, 1) / 3600
            speed = haversine_km(last_lat, last_lon, t.merch_lat, t.merch_long) / hours
        last[card] = (now, t.merch_lat, t.merch_long)
        rows.append((count_1min, count_5min, sum(hour_amounts), amount - average,
                     haversine_km(lat, lon, t.merch_lat, t.merch_long), speed, amount, now // 3600 % 24))
    return pd.DataFrame(rows, columns=FEATURES, dtype=float)


def fit(x, y):
    model = GradientBoostingClassifier(n_estimators=TREES, max_depth=DEPTH, learning_rate=LEARNING_RATE,
                                       subsample=0.7, min_samples_leaf=20, random_state=7)
    # scikit-learn compares as 32-bit floats: thresholds are then exact in both worlds.
    return model.fit(x.astype(np.float32), y)


def report(name, y, score):
    alert = score >= THRESHOLD
    hit = int((alert & (y == 1)).sum())
    print(f"{name}: {len(y)} payments, {int(y.sum())} frauds, {int(alert.sum())} alerts, {hit} of them frauds: "
          f"precision {hit / max(alert.sum(), 1):.2f}, recall {hit / max(y.sum(), 1):.2f}, "
          f"average precision {average_precision_score(y, score):.3f}, ROC AUC {roc_auc_score(y, score):.4f}")


def write(model, path):
    """Complete trees, level by level: node i has children 2i + 1 and 2i + 2; a short branch is filled up."""
    nodes, leaves = 2**DEPTH - 1, 2**DEPTH
    feature, threshold, leaf = [], [], []
    for (tree,) in model.estimators_:
        t = tree.tree_
        f, th, lv = [0] * nodes, [0.0] * nodes, [0.0] * leaves

        def place(node, at):
            is_leaf = t.children_left[node] == -1
            if at >= nodes:
                lv[at - nodes] = LEARNING_RATE * t.value[node, 0, 0]
            elif is_leaf:
                place(node, 2 * at + 1)
                place(node, 2 * at + 2)
            else:
                f[at], th[at] = int(t.feature[node]), float(t.threshold[node])
                place(t.children_left[node], 2 * at + 1)
                place(t.children_right[node], 2 * at + 2)

        place(0, 0)
        feature.append(f)
        threshold.append(th)
        leaf.append(lv)
    prior = model.init_.class_prior_[1]
    base = float(np.log(prior / (1 - prior)))
    table = lambda rows, one: "{\n" + "".join("  {" + ", ".join(map(one, r)) + "},\n" for r in rows) + "}"
    number = lambda v: repr(float(v))
    path.write_text(f"""// Made by train.py. Do not edit.
// Features: {", ".join(FEATURES)}.
#define TREES {TREES}
#define DEPTH {DEPTH}
#define BASE {base!r}

static const unsigned char FEATURE[TREES][{nodes}] = {table(feature, str)};

static const double THRESHOLD[TREES][{nodes}] = {table(threshold, number)};

static const double LEAF[TREES][{leaves}] = {table(leaf, number)};
""")


def main():
    transactions = pd.read_csv(sys.argv[1], dtype={"cc_num": str})
    customers = pd.read_csv(sys.argv[2], dtype={"cc_num": str})
    x, y = features(transactions, customers), transactions.is_fraud.to_numpy()
    here = Path(__file__).parent
    cards = pd.factorize(transactions.cc_num, sort=True)[0]
    seen = cards % 10 < 7
    held_out = fit(x[seen], y[seen])
    report("trained on", y[seen], held_out.predict_proba(x[seen].astype(np.float32))[:, 1])
    report("cards held out", y[~seen], held_out.predict_proba(x[~seen].astype(np.float32))[:, 1])
    model = fit(x, y)
    scores = model.predict_proba(x.astype(np.float32))[:, 1]
    report("all, as written", y, scores)
    for name, weight in sorted(zip(FEATURES, model.feature_importances_), key=lambda p: -p[1]):
        print(f"  {name:13} {weight:.3f}")
    write(model, here / "weights.h")
    # A sample with its scores, for the test that the module computes the same.
    rows = sorted(set(range(0, len(x), 100)) | set(np.flatnonzero(y)[::2].tolist()))
    sample = x.iloc[rows].copy()
    sample["score"] = scores[rows]
    sample.to_csv(here / "expected.csv", index=False, float_format="%.17g")


main()
