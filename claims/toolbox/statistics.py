"""Exact statistics for measured claims: counts of seeds, and the two probabilities of being wrong.

Binomial tails are summed in exact fractions here, because a claim states its probabilities when it
is declared, where SciPy need not be installed; a test compares them with SciPy's.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import comb, inf, log

from claims.toolbox.comparison import Off

LIMIT = 40.0  # no right implementation is refuted by one count more often than 2 e⁻⁴⁰ < 1e-17
CONFIDENCE = 0.999  # of the lower bound on the success rate that a calibration gives


def upper_tail(successes: int, of: int, rate: float) -> float:
    """Return P(X ≥ successes) for X binomial with `of` trials of success probability `rate`, rounded once."""
    p = Fraction(rate)
    # Floats are dyadic, so the sum is one exact fraction.
    return float(sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(max(successes, 0), of + 1)))


def false_hold(needed: int, of: int) -> float:
    """Return the probability that `needed` of `of` seeds succeed although each does with probability ½ at most."""
    return upper_tail(needed, of, 0.5)


def false_alarm(needed: int, of: int, *, calibrated: int, runs: int) -> float:
    """Return the probability that fewer than `needed` of `of` seeds succeed, at the calibrated success rate.

    `calibrated` of `runs` succeeded in the calibration; the rate is its Clopper–Pearson lower bound.
    """
    failures = of - needed + 1
    return upper_tail(failures, of, 1 - lower_bound(calibrated, runs))


def lower_bound(successes: int, runs: int) -> float:
    """Return the success rate at which so many successes have probability 1 − CONFIDENCE: lower ones are excluded.

    Source: Clopper and Pearson, The use of confidence or fiducial limits, Biometrika 26(4), 1934.
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _float_tail(successes, runs, middle) < 1 - CONFIDENCE else (low, middle)
    return low


def _float_tail(successes: int, of: int, rate: float) -> float:
    """Return the upper tail in floats: the bisection above needs no more, and exact fractions would be large."""
    return sum(comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(successes, of + 1))


def sign_test(wins: int, losses: int, ties: int = 0) -> float:
    """Return the exact one-sided p-value of so many wins in pairs, where a tie counts against."""
    return upper_tail(wins, wins + losses + ties, 0.5)


def at_least(needed: int, of: int, successes: Iterable["tuple[int, bool | Off]"]) -> "bool | Off":
    """Return True if `needed` of `of` seeds succeed, else an Off that tells the count and a failure.

    `successes` yields a seed and whether it succeeded, and is read only until the answer is settled:
    what is true is settled after `needed` successes, what is false after `of - needed + 1` failures.
    """
    won, lost = 0, []
    for seed, success in successes:
        if success:
            won += 1
        else:
            lost.append((seed, success))
        if won >= needed or len(lost) > of - needed:
            break
    if won >= needed:
        return True
    if not lost:
        return Off(f"{won} seeds, where {needed} of {of} should succeed")
    seed, reason = lost[-1]
    why = f": {reason!r}" if isinstance(reason, Off) else ""
    return Off(f"{won} of {won + len(lost)} seeds, where {needed} of {of} should; not seed {seed}{why}")


def surprise(count: int, of: int, rate: float) -> float:
    """Return n · KL(count/n ‖ rate): a binomial count this far on its side has probability at most e to the minus that.

    Chernoff's bound: exact for every n, no normal tail.
    """
    share = count / of
    return of * sum(a * log(a / b) if b > 0 else inf for a, b in ((share, rate), (1 - share, 1 - rate)) if a > 0)


def usual(*counts: tuple[str, int, int, float]) -> "bool | Off":
    """Return True unless a count (what, count, of, rate) is all but impossible, else an Off that tells which."""
    what, count, of, rate = max(counts, key=lambda each: surprise(*each[1:]))
    if surprise(count, of, rate) <= LIMIT:
        return True
    return Off(f"{what}: {count} of {of}, where {of * rate:.6g} are expected")
