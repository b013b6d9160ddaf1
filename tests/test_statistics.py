"""The two probabilities of a measured claim are exact, and all of them together are small."""

from math import exp

import pytest

from claims.engine.reading import load
from claims.toolbox import statistics
from claims.toolbox.comparison import Off
from claims.toolbox.statistics import at_least


def test_at_least_stops_when_it_is_settled():
    """Twenty-four successes of thirty are known after twenty-four; so are seven failures after seven."""
    seen = []

    def outcomes(good):
        for seed in range(30):
            seen.append(seed)
            yield seed, good(seed)

    assert at_least(24, 30, outcomes(lambda _: True)) is True
    assert len(seen) == 24
    seen.clear()
    found = at_least(24, 30, outcomes(lambda seed: seed == 2 or Off("too low")))
    assert repr(found) == "1 of 8 seeds, where 24 of 30 should; not seed 7: too low"


def test_the_false_alarms_of_a_run_add_up_to_one_in_a_million():
    """With every measured claim redrawn, a thorough run still fails for no reason less than once in a million."""
    measured = [claim for claim in load().claims.values() if claim.kind == "measured"]

    assert sum(claim.false_alarm for claim in measured) <= 1e-6
    assert all(claim.false_hold <= 1e-3 for claim in measured)


def test_the_probabilities_are_scipys():
    """The two probabilities that a measured claim states are the exact ones."""
    stats = pytest.importorskip("scipy.stats")

    for k, n, p in [(24, 30, 0.5), (0, 5, 0.3), (6, 5, 0.3), (5, 5, 0.3), (31, 40, 0.9661)]:
        assert statistics.upper_tail(k, n, p) == pytest.approx(stats.binom.sf(k - 1, n, p), rel=1e-10)
    assert statistics.false_hold(24, 30) == pytest.approx(stats.binom.sf(23, 30, 0.5), rel=1e-12)
    for wins, runs in [(1000, 1000), (200, 200), (195, 200), (40, 50)]:
        assert statistics.lower_bound(wins, runs) == pytest.approx(
            stats.beta.ppf(0.001, wins, runs - wins + 1), rel=1e-9
        )
    low = stats.beta.ppf(0.001, 200, 1)
    assert statistics.false_alarm(31, 40, calibrated=200, runs=200) == pytest.approx(
        stats.binom.cdf(30, 40, low), rel=1e-6
    )
    assert statistics.sign_test(9, 1) == pytest.approx(stats.binomtest(9, 10, alternative="greater").pvalue)
    assert statistics.sign_test(9, 1, ties=2) > statistics.sign_test(9, 1)


def test_surprise_bounds_the_tail():
    """However few trials there are, so much or more is no likelier than e to the minus the surprise."""
    for of in (1, 5, 40):
        for rate in (0.1, 0.5, 0.9):
            for count in range(of + 1):
                bound = exp(-statistics.surprise(count, of, rate))
                assert count < of * rate or statistics.upper_tail(count, of, rate) <= bound * (1 + 1e-12)


def test_a_usual_count_passes_and_the_strangest_is_told():
    """Of several counts the one that cannot be chance is named."""
    assert statistics.usual(("heads", 510, 1000, 0.5), ("sixes", 150, 1000, 1 / 6)) is True
    found = statistics.usual(("heads", 510, 1000, 0.5), ("sixes", 400, 1000, 1 / 6))

    assert not found
    assert str(found) == "sixes: 400 of 1000, where 166.667 are expected"
