"""Functions in Python.

    CREATE FUNCTION risk(amount DOUBLE, country STRING) RETURNS DOUBLE LANGUAGE WASM USING FILE 'app.wasm';
    CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE WASM USING FILE 'app.wasm';
"""

import datetime
import re

import wasmill
from wasmill import WasmillFunctions as Functions

RISKY = {"ZZ": 0.9, "YY": 0.5}


@wasmill.scalar
def risk(amount: float, country: str) -> float:
    return min(1.0, amount / 10_000 + RISKY.get(country, 0.0))


@wasmill.scalar
def blend(a: float, b: float) -> float:
    return 0.7 * a + b / (1.0 + abs(a)) + 0.25 * (b if b > 0.0 else 0.0)


@wasmill.scalar
def initials(name: str) -> str | None:
    letters = re.findall(r"\b[^\W\d_]", name)
    return "".join(letters).upper() or None


@wasmill.scalar
def first_known(a: str | None, b: str | None) -> str | None:
    return b if a is None else a


@wasmill.scalar
def with_tax(price: "DECIMAL(10, 2)", percent: int) -> "DECIMAL(12, 2)":
    return price * (100 + percent) / 100


@wasmill.scalar
def is_weekend(day: datetime.date) -> bool:
    return day.weekday() >= 5


@wasmill.scalar
def next_minute(at: datetime.datetime) -> datetime.datetime:
    return at.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)


@wasmill.scalar
def reciprocal(x: float) -> float:
    return 1 / x


@wasmill.table("word STRING", "place INT")
def words(line: str):
    for place, word in enumerate(line.split(), 1):
        if word == "!":
            raise ValueError("a lone exclamation mark")
        yield word, place


@wasmill.table("day DATE")
def days(first: datetime.date, count: int | None):
    for i in range(count or 0):
        yield first + datetime.timedelta(days=i)
