"""Matching what a person types against names: letters in order, best where they start words or stand together."""

from __future__ import annotations


def score(query: str, text: str) -> float | None:
    """How well ``query`` matches ``text``; higher is better, None when it does not."""
    wanted, name = query.lower().replace(" ", ""), text.lower()
    if not wanted:
        return 0.0
    whole = name.find(query.lower().strip())
    if whole >= 0:
        return 100.0 - whole - 0.1 * len(name) + (20.0 if whole == 0 else 10.0 if name[whole - 1] == " " else 0.0)
    total, place, before = 0.0, 0, -2
    for letter in wanted:
        found = name.find(letter, place)
        starts = name.find(" " + letter, max(0, place - 1))
        if starts >= 0 and found != before + 1:
            found = starts + 1
        if found < 0:
            return None
        total += 4.0 if found == before + 1 else 3.0 if found == 0 or name[found - 1] == " " else 0.5
        before, place = found, found + 1
    return total - 0.05 * len(name)
