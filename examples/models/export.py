#!/usr/bin/env python3
"""Writes models of scikit-learn as artifacts, and adds their scores to data/scores.csv: what made `fraud_dense.json` and
`fraud_iforest.json` here. Take from it what writes your own models: `dense` and `iforest`.

    pip install scikit-learn==1.9.1 && ./export.py
"""
import csv
import json
import pathlib

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

DATA = pathlib.Path(__file__).parent / "data"


def dense(network, scaler=None):
    """An MLPClassifier or MLPRegressor with one output."""
    inner = [network.activation] * (len(network.coefs_) - 1)
    layers = zip(network.coefs_, network.intercepts_, [*inner, network.out_activation_])
    artifact = {"layers": [{"weights": w.tolist(), "bias": b.tolist(), "activation": a} for w, b, a in layers]}
    if scaler is not None:
        artifact |= {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}
    return artifact


def iforest(forest):
    """An IsolationForest; its score is -score_samples."""

    def tree(estimator, features):
        t = estimator.tree_
        # A leaf has no feature; a tree that saw some of the features only numbers those.
        feature = [int(features[f]) if f >= 0 else -1 for f in t.feature]
        return {"left": t.children_left.tolist(), "right": t.children_right.tolist(), "feature": feature,
                "threshold": t.threshold.tolist(), "samples": t.n_node_samples.tolist()}

    trees = [tree(e, f) for e, f in zip(forest.estimators_, forest.estimators_features_)]
    return {"features": forest.n_features_in_, "max_samples": int(forest.max_samples_), "trees": trees}


def main():
    with open(DATA / "scores.csv") as file:
        names, *rows = csv.reader(file)
    names, rows = names[:20], [row[:20] for row in rows]
    x = np.array([[float(v) for v in row[1:16]] for row in rows])
    y = np.array([int(row[16]) for row in rows])
    scaler = StandardScaler().fit(x)
    network = MLPClassifier((16, 8), max_iter=400, random_state=1).fit(scaler.transform(x), y)
    forest = IsolationForest(n_estimators=50, random_state=1).fit(x)
    for name, artifact in [("dense", dense(network, scaler)), ("iforest", iforest(forest))]:
        (DATA / f"fraud_{name}.json").write_text(json.dumps(artifact))
    scores = zip(network.predict_proba(scaler.transform(x))[:, 1], -forest.score_samples(x))
    with open(DATA / "scores.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "p_dense", "p_iforest"])
        writer.writerows([*row, float(a), float(b)] for row, (a, b) in zip(rows, scores))


if __name__ == "__main__":
    main()
