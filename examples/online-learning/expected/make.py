#!/usr/bin/env python3
"""Makes the expected values again: what River gives row by row.

    python3.11 -m venv /tmp/river && /tmp/river/bin/pip install river==0.26.1 && /tmp/river/bin/python make.py

With Python 3.11 the files come out as they are, to the last digit; from 3.12 on `sum` adds otherwise, which changes the last digits
of trees.csv. data/concepts.csv is made here too.
"""

import csv
import gzip
import pathlib
import random

from river import anomaly, drift, linear_model, metrics, preprocessing, stats, stream, tree

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent / "data"


def write(name, rows):
    with open(name, "w", newline="") as file:
        out = csv.DictWriter(file, fieldnames=rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def payments():
    with gzip.open(DATA / "creditcard.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            label = int(row.pop("Class"))
            yield {name: float(value) for name, value in row.items()}, label


def logistic():
    """StandardScaler | LogisticRegression, then ROCAUC of the predicted classes: r026 is River 0.26.1. tut is what the tutorial's
    older River does: its pipelines taught the scaler while predicting, and not while learning."""
    rows = []
    for prefix in ("tut", "r026"):
        scaler, model, auc = preprocessing.StandardScaler(), linear_model.LogisticRegression(), metrics.ROCAUC()
        for i, (x, y) in enumerate(payments()):
            if prefix == "tut":
                scaler.learn_one(x)
            z = scaler.transform_one(x)
            probability, predicted = model.predict_proba_one(z)[True], model.predict_one(z)
            auc.update(y, predicted)
            if prefix == "r026":
                scaler.learn_one(x)
            model.learn_one(scaler.transform_one(x), y)
            if prefix == "tut":
                rows.append({"row": i, "class": y})
            rows[i] |= {f"{prefix}_pred": predicted, f"{prefix}_proba": probability, f"{prefix}_rocauc": float(auc.get())}
    write(HERE / "logistic.csv", rows)


def delayed():
    """The same pipeline of River 0.26.1, whose labels come five minutes and a half second after their payments."""
    scaler, model = preprocessing.StandardScaler(), linear_model.LogisticRegression()
    rows = []
    for i, x, y in stream.simulate_qa(payments(), moment=lambda x: x["Time"], delay=300.5):
        if y is None:
            z = scaler.transform_one(x)
            rows.append({"row": i, "pred": model.predict_one(z), "proba": model.predict_proba_one(z)[True]})
        else:
            scaler.learn_one(x)
            model.learn_one(scaler.transform_one(x), y)
    write(HERE / "delayed.csv", rows)


def anomalies():
    """MinMaxScaler | HalfSpaceTrees, scored and then learnt from."""
    forests = {
        "score": anomaly.HalfSpaceTrees(seed=42),
        "small_score": anomaly.HalfSpaceTrees(n_trees=25, height=6, window_size=100, seed=7),
    }
    models = {name: preprocessing.MinMaxScaler() | forest for name, forest in forests.items()}
    rows = []
    for i, (x, _) in enumerate(payments()):
        rows.append({"row": i} | {name: float(model.score_one(x)) for name, model in models.items()})
        for model in models.values():
            model.learn_one(x)
    write(HERE / "anomalies.csv", rows)


def statistics():
    """Over the amounts of the first thousand payments."""
    names = ["ew_mean", "ew_var", "median", "p95", "mad", "rolling_q90", "rolling_iqr", "skew", "kurtosis"]
    of = [stats.EWMean(0.1), stats.EWVar(0.1), stats.Quantile(0.5), stats.Quantile(0.95), stats.MAD(),
          stats.RollingQuantile(0.9, 100), stats.RollingIQR(100), stats.Skew(), stats.Kurtosis()]
    entropy = stats.Entropy()
    rows = []
    for i, (x, _) in zip(range(1000), payments()):
        amount = x["Amount"]
        row = {"row": i}
        for name, statistic in zip(names, of):
            statistic.update(amount)
            row[name] = float(statistic.get())
        entropy.update("small" if amount < 5 else "middle" if amount < 50 else "large")
        rows.append(row | {"entropy": entropy.get()})
    write(HERE / "statistics.csv", rows)


def concepts():
    """Three numbers, and a class by the sum of two of them, a tenth of the time a wrong one; the rule changes in the middle. `kind`
    has more classes."""
    rng = random.Random(11)
    rows = []
    for i in range(4000):
        a, b, c = (round(rng.uniform(0, 10), 3) for _ in range(3))
        label = (a + b <= 8) if i < 2000 else (a + c >= 12)
        label = int(label ^ (rng.random() < 0.1))
        rows.append({"row": i, "a": a, "b": b, "c": c, "class": label, "kind": label + (2 if c > 6 else 0)})
    write(DATA / "concepts.csv", rows)


def trees_and_drift():
    """Hoeffding trees over concepts.csv, predicted and then learnt from, and drift detectors on the first tree's errors."""
    eager = {"grace_period": 100, "delta": 0.01, "tau": 0.1}
    trees = {
        "nba": ("class", tree.HoeffdingTreeClassifier()),
        "eager_mc": ("kind", tree.HoeffdingTreeClassifier(leaf_prediction="mc", **eager)),
        "eager_nb": ("kind", tree.HoeffdingTreeClassifier(leaf_prediction="nb", **eager)),
        "eager_nba": ("kind", tree.HoeffdingTreeClassifier(leaf_prediction="nba", **eager)),
    }
    adwin, page_hinkley, ddm = drift.ADWIN(0.002), drift.PageHinkley(threshold=20), drift.binary.DDM()
    rows = []
    with open(DATA / "concepts.csv", newline="") as file:
        for line in csv.DictReader(file):
            x = {name: float(line[name]) for name in "abc"}
            row = {"row": int(line["row"])}
            for name, (label, model) in trees.items():
                truth = int(line[label])
                predicted = model.predict_one(x)
                probability = model.predict_proba_one(x).get(predicted, "")
                row |= {f"{name}_pred": "" if predicted is None else predicted, f"{name}_proba": probability}
                model.learn_one(x, truth)
            error = row["nba_pred"] != int(line["class"])
            for detector in (adwin, page_hinkley, ddm):
                detector.update(int(error))
            row |= {"adwin": adwin.drift_detected, "adwin_mean": adwin.estimation, "page_hinkley": page_hinkley.drift_detected}
            row |= {"ddm": "drift" if ddm.drift_detected else "warning" if ddm.warning_detected else ""}
            rows.append(row)
    print({name: model.n_nodes for name, (_, model) in trees.items()})
    print({name: [r["row"] for r in rows if r[name] in (True, "drift")] for name in ("adwin", "page_hinkley", "ddm")})
    write(HERE / "trees.csv", rows)


if __name__ == "__main__":
    concepts()
    logistic()
    delayed()
    anomalies()
    statistics()
    trees_and_drift()
