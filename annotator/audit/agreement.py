"""How far annotators agree: Cohen's kappa of two of them, Krippendorff's alpha of any number with answers missing.

Cohen (1960) comes from scikit-learn. Alpha for nominal data is written from Krippendorff, "Computing Krippendorff's
Alpha-Reliability" (2011), section C: the packages that have it are under the GPL or unkept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement of two annotators about the same items beyond chance, −1 to 1; None where chance alone explains all of it: no
    items, or both gave one and the same answer throughout."""
    if len(first) != len(second):
        raise ValueError(f"two annotators answer the same items, not {len(first)} and {len(second)}")
    if not first or len({*first, *second}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    names = {answer: at for at, answer in enumerate(dict.fromkeys([*first, *second]))}
    return float(cohen_kappa_score([names[each] for each in first], [names[each] for each in second]))


def krippendorff_alpha(items: Mapping[Hashable, Sequence[Hashable]]) -> float | None:
    """Nominal alpha over ``items``, each with the answers that it got; 1 is agreement, 0 chance. None without two answers about
    one item, or when all answers are the same."""
    totals: Counter[Hashable] = Counter()
    observed = paired = 0.0
    for answers in items.values():
        count = len(answers)
        if count < 2:
            continue
        here = Counter(answers)
        for answer, number in here.items():
            totals[answer] += number
            observed += number * (count - number) / (count - 1)
        paired += count
    expected = sum(number * (paired - number) for number in totals.values())
    if not paired or not expected:
        return None
    return 1.0 - (paired - 1) * observed / expected
