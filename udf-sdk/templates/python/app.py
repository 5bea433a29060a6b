"""Functions for wasmill. Ordinary Python: an argument without `| None` is never NULL."""

import re

import wasmill
from wasmill import WasmillFunctions as Functions

RISKY = {"ZZ": 0.9, "YY": 0.5}


@wasmill.scalar
def risk(amount: float, country: str) -> float:
    """How risky a payment is, from 0 to 1."""
    return min(1.0, amount / 10_000 + RISKY.get(country, 0.0))


@wasmill.scalar
def initials(name: str) -> str | None:
    """The first letter of each word, in capitals; NULL where there is no word."""
    return "".join(re.findall(r"\b[^\W\d_]", name)).upper() or None
