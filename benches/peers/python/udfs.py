"""The functions of the benchmarks in Python, plain (a call a row) and over columns (numpy)."""
import math
import re
from pathlib import Path

WEIGHTS = Path(__file__).parents[3] / "examples/fraud/model/weights.h"


def _weights():
    text = WEIGHTS.read_text()
    base = float(re.search(r"#define BASE (.*)", text)[1])
    arrays = re.findall(r"(FEATURE|THRESHOLD|LEAF)[^=]*= (\{.*?\});", text, re.S)
    return base, {name: eval(body.replace("{", "[").replace("}", "]")) for name, body in arrays}


BASE, TREES = _weights()
DEPTH = 3


def count_char(text, letter):
    return None if text is None else text.count(letter)


def risk(a, b):
    return None if a is None or b is None else 0.7 * a + b / (1 + abs(a)) + 0.25 * max(b, 0.0)


def haversine_km(lat1, lon1, lat2, lon2):
    if lat1 is None or lat2 is None:
        return None
    dlat, dlon = math.sin(math.radians(lat2 - lat1) / 2), math.sin(math.radians(lon2 - lon1) / 2)
    a = dlat * dlat + math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * dlon * dlon
    return 2 * 6371.0088 * math.asin(min(1.0, math.sqrt(a)))


def fraud_score(*features):
    if any(f is None for f in features):
        return None
    total = BASE
    for feature, threshold, leaf in zip(TREES["FEATURE"], TREES["THRESHOLD"], TREES["LEAF"]):
        at = 0
        for _ in range(DEPTH):
            at = 2 * at + (1 if features[feature[at]] <= threshold[at] else 2)
        total += leaf[at - 7]
    return 1 / (1 + math.exp(-total))


def fraud_score_columns(*features):
    """The score of whole columns: pandas Series or Arrow arrays in, a numpy array out."""
    import numpy as np

    x = np.stack([np.asarray(f, dtype=np.float64) for f in features])
    rows = np.arange(x.shape[1])
    total = np.full(x.shape[1], BASE)
    for feature, threshold, leaf in zip(TREES["FEATURE"], TREES["THRESHOLD"], TREES["LEAF"]):
        feature, threshold, leaf = np.array(feature), np.array(threshold), np.array(leaf)
        at = np.zeros(x.shape[1], dtype=np.int64)
        for _ in range(DEPTH):
            at = 2 * at + np.where(x[feature[at], rows] <= threshold[at], 1, 2)
        total += leaf[at - 7]
    return 1 / (1 + np.exp(-total))
