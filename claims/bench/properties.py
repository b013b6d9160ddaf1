"""What must hold of the results on any machine: counts closely, times with wide margins, by their least values."""

from collections.abc import Callable, Sequence
from typing import Any

from claims.bench.run import EXAMPLES

Row = dict[str, Any]
Results = dict[str, Any]
Property = Callable[[Results], bool]


def _best(results: Results, batch_size: int) -> Row:
    return next(row for row in results["efficiency"]["best"] if row["batch_size"] == batch_size)


def _speed(results: Results, batch_size: int) -> float:
    """Return samples per second of the tuned step on the network for digits, by the least time."""
    return batch_size / _step(results, batch_size)["least"]


def _step(results: Results, batch_size: int) -> dict[str, float]:
    found: dict[str, float] = next(
        row["steps"]["tuned"]
        for row in results["throughput"]
        if (row["network"], row["batch_size"]) == ("digits", batch_size)
    )
    return found


def epochs_count_the_examples(results: Results) -> bool:
    """Epochs are steps · B/N, exactly."""
    return all(row["epochs"] == row["steps"] * row["batch_size"] / EXAMPLES for row in results["efficiency"]["best"])


def small_batches_scale(results: Results) -> bool:
    """From batch 1 to 8 the steps fall to a third or less, of the eighth that would be perfect."""
    return bool(_best(results, 8)["steps"] <= _best(results, 1)["steps"] / 3)


def large_batches_do_not_scale(results: Results) -> bool:
    """From batch 64 to 512 the steps fall to no less than a third, and not to an eighth."""
    return bool(_best(results, 512)["steps"] >= _best(results, 64)["steps"] / 3)


def large_batches_need_more_epochs(results: Results) -> bool:
    """Batch 512 needs at least four times the epochs of batch 8."""
    return bool(_best(results, 512)["epochs"] >= 4 * _best(results, 8)["epochs"])


def small_batches_need_equal_epochs(results: Results) -> bool:
    """Batches 1 and 8 need equal epochs, up to 60 %."""
    return bool(abs(_best(results, 1)["epochs"] / _best(results, 8)["epochs"] - 1) <= 0.6)


def the_noise_scale_tells_the_knee(results: Results) -> bool:
    """The first batch that needs twice the fewest examples is of 16 to 256, the fitted Bₙ within 4 × the measured."""
    fitted, measured = results["efficiency"]["fit"]["noise_scale"], results["efficiency"]["noise"][0]["noise_scale"]
    return 16 <= knee(results["efficiency"]["best"]) <= 256 and measured / 4 <= fitted <= 4 * measured


def larger_batches_are_faster_by_the_sample(results: Results) -> bool:
    """Batch 64 makes at least five times the samples a second of batch 1."""
    return _speed(results, 64) >= 5 * _speed(results, 1)


def larger_batches_are_slower_by_the_update(results: Results) -> bool:
    """Batch 1024 makes at most a third of the updates a second of batch 1."""
    return _step(results, 1024)["least"] >= 3 * _step(results, 1)["least"]


def rates_agree(results: Results) -> bool:
    """Samples a second are B updates a second, to the digits that are kept."""
    return all(
        abs(step["samples_per_second"] * step["seconds"] / row["batch_size"] - 1) < 1e-4
        for row in results["throughput"]
        for step in row["steps"].values()
    )


def neither_end_is_fastest(results: Results) -> bool:
    """To the target, a batch in between takes a third of the time of batch 1, and of all examples, or less."""
    times = [(row["steps"] * _step(results, row["batch_size"])["least"]) for row in results["efficiency"]["best"]]
    ends = _best(results, 1), _best(results, EXAMPLES)
    return all(min(times) <= end["steps"] * _step(results, end["batch_size"])["least"] / 3 for end in ends)


def knee(best: Sequence[Row]) -> int:
    """Return the least batch size that needs more than twice the fewest examples; the largest if none does."""
    fewest = min(row["examples"] for row in best)
    return next((int(row["batch_size"]) for row in best if row["examples"] > 2 * fewest), int(best[-1]["batch_size"]))


COUNTS: tuple[Property, ...] = (
    epochs_count_the_examples,
    small_batches_scale,
    large_batches_do_not_scale,
    large_batches_need_more_epochs,
    small_batches_need_equal_epochs,
    the_noise_scale_tells_the_knee,
)
TIMES: tuple[Property, ...] = (
    larger_batches_are_faster_by_the_sample,
    larger_batches_are_slower_by_the_update,
    rates_agree,
    neither_end_is_fastest,
)


def judged(results: Results) -> dict[str, bool | None]:
    """Return what holds of the results, by the properties' names; None if they lack the batch sizes to tell."""
    found: dict[str, bool | None] = {}
    for each in (*COUNTS, *TIMES):
        try:
            found[each.__name__] = each(results)
        except StopIteration:
            found[each.__name__] = None
    return found
