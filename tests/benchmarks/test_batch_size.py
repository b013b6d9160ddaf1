"""What an update costs and how many are needed, against the batch size, for pytest-benchmark.

    uv run pytest tests/benchmarks/test_batch_size.py --benchmark-only --benchmark-json=build/updates.json
    uv run pytest-benchmark compare build/updates.json --group-by=group

`claims bench` measures more, and in turn; these figures are for keeping and comparing.
"""

import numpy as np
import pytest

from claims.bench import frameworks
from claims.bench.efficiency import BATCH_SIZES, best
from claims.bench.properties import TIMES
from claims.bench.run import EXAMPLES, run
from claims.bench.steps import draw
from claims.bench.throughput import NETWORKS, NUMPY, one_core, throughput

pytest.importorskip("sklearn")
STEPS = {**NUMPY, **frameworks.installed()}


def tuned_by_hand(batch_size):
    """Return the rate that is near the best for each batch size: linear up to 32, and constant from there."""
    return min(batch_size / 8, 4.0)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("name", STEPS)
def test_update(benchmark, name, batch_size):
    """One update of the network for digits, by each step."""
    rng = np.random.default_rng(0)
    trainer = STEPS[name](draw(NETWORKS["digits"], rng), batch_size, lr=1e-4)
    batch = trainer.prepare(rng.standard_normal((batch_size, 64)), rng.integers(0, 10, batch_size))
    benchmark.group = f"update, {name}"
    with one_core():
        benchmark(trainer.step, *batch)
    # The least time: what disturbs a measurement can only lengthen it.
    updates = 1 / benchmark.stats.stats.min
    benchmark.extra_info.update(batch_size=batch_size, updates_per_s=updates, samples_per_s=batch_size * updates)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_steps_to_target(benchmark, batch_size):
    """A whole run on digits; its steps are the same in each round, and only the time varies."""
    benchmark.group = "steps to the target"
    found = benchmark.pedantic(run, args=(batch_size, tuned_by_hand(batch_size), 0), rounds=3)
    steps = found["steps"]
    benchmark.extra_info.update(batch_size=batch_size, steps=steps, epochs=steps * batch_size / EXAMPLES)


def test_times_are_as_on_any_machine(benchmark):
    """Larger batches are faster by the sample and slower by the update, and neither end is first at the target."""
    sizes = (1, 8, 64, 512, 1024, EXAMPLES)
    times = benchmark.pedantic(throughput, args=(sizes,), kwargs={"networks": ("digits",)}, rounds=1)
    runs = [run(size, tuned_by_hand(size), seed) for size in sizes for seed in range(5)]
    results = {"throughput": times, "efficiency": {"best": best(runs)}}

    assert [each.__name__ for each in TIMES if not each(results)] == []
