"""The benchmarks of the batch size: what they compare is the same, and what they count is as the page says."""

import copy
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from answers.batch_size import steps_to_target
from answers.figures._reference import PATH, reference
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward
from claims.bench import figures, frameworks, properties, report
from claims.bench.efficiency import BATCH_SIZES, best, fit, generalization, noise_scale, noise_scales
from claims.bench.provenance import provenance
from claims.bench.run import EXAMPLES, SIZES, TARGET, data, fresh, run
from claims.bench.steps import draw, flops, idiomatic
from claims.bench.throughput import NETWORKS, throughput
from claims.bench.tuned import BLOCK, CACHE, ROWS, tuned
from claims.command import benching
from claims.engine.declare import ROOT
from claims.engine.evidence import now
from claims.engine.subjects import BadInput

pytest.importorskip("sklearn")
LAW = {"min_steps": 10.0, "noise_scale": 32.0}


def after_three_updates(make, sizes, batch_size):
    rng = np.random.default_rng(batch_size)
    parameters = draw(sizes, rng)
    trainer = make([each.copy() for each in parameters], batch_size, lr=0.1)
    batch = trainer.prepare(rng.standard_normal((batch_size, sizes[0])), rng.integers(0, sizes[2], batch_size))
    for _ in range(3):
        trainer.step(*batch)
    return trainer.parameters()


@pytest.mark.parametrize("name", ["tuned", "torch", "jax"])
@pytest.mark.parametrize("sizes", [(64, 128, 10), (784, 512, 10), (5, 3, 2)])
@pytest.mark.parametrize("batch_size", [1, 2, 5, 64, ROWS + 1, 2 * ROWS])
def test_all_steps_learn_the_same(name, sizes, batch_size):
    """A step that is faster because it computes something else would be no comparison."""
    if name != "tuned":
        pytest.importorskip(name)
    make = tuned if name == "tuned" else frameworks.installed()[name]
    expected = after_three_updates(idiomatic, sizes, batch_size)
    found = after_three_updates(make, sizes, batch_size)

    assert [each.shape for each in found] == [each.shape for each in expected]
    assert max(np.abs(a - b).max() for a, b in zip(found, expected, strict=True)) < 1e-6


def test_every_path_of_the_tuned_step_is_taken():
    """The cases above would miss the step in blocks or in chunks if those began elsewhere."""
    D, H, _ = NETWORKS["large"]

    assert 4 * D * H > CACHE > 4 * 64 * 128
    assert D % BLOCK == 0 < 5 % BLOCK


def test_a_step_counts_its_products():
    """GFLOP/s are of five products: two forward, two for the weights' gradients, one for the hidden layer's."""
    assert flops((64, 128, 10), 3) == 2 * 3 * (64 * 128 + 128 * 10 + 128 * 10 + 10 * 128 + 128 * 64)


def test_a_run_tells_what_it_did():
    """The same arguments give the same steps; a rate that is too high ends without them, and without a warning."""
    first, second = (run(8, 1.0, 0) for _ in range(2))
    wild = run(8, 1e6, 0)

    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert first["loss"] <= TARGET < run(8, 1.0, 0, max_steps=first["steps"] // 2)["loss"]
    assert (wild["steps"], wild["loss"]) == (None, None)
    assert json.loads(json.dumps(wild, allow_nan=False)) == wild


@pytest.mark.parametrize("batch_size", [0, -1, EXAMPLES + 1])
def test_a_run_refuses_a_batch_that_the_data_cannot_fill(batch_size):
    """An empty batch has no gradient, and one of more than all would count epochs wrongly."""
    with pytest.raises(ValueError, match="a batch has 1 to 1797 examples"):
        run(batch_size, 1.0, 0)


def test_the_noise_scale_is_that_of_the_gradients():
    """The norms of outer products are those of the gradients that the answer's backward pass gives, one by one."""
    x, y = (each[:40] for each in data())
    parameters = fresh(0)

    def gradient(rows):
        logits, cache = two_layer_forward(x[rows], *parameters)
        return np.concatenate(
            [g.ravel() for g in two_layer_backward(softmax_cross_entropy(logits, y[rows])[1], cache)[1:]]
        )

    each = np.array([gradient([i]) for i in range(40)])
    full = each.mean(axis=0)
    # Unbiased estimates: the trace with N − 1 in place of N, and ‖g‖² less a share 1/N of it.
    trace = np.sum((each - full) ** 2) / 39

    assert noise_scale(parameters, x, y) == pytest.approx(trace / (full @ full - trace / 40), rel=1e-5)


def test_the_best_rate_needs_the_fewest_steps_in_most_runs():
    """A rate that once was lucky and else never arrived is not the best; of equal ones the lower is told."""
    steps = {1.0: (9, 11, 10), 0.5: (10, 10, 10), 2.0: (3, None, None), 4.0: (None, None, None)}
    runs = [
        {"batch_size": 8, "lr": lr, "seed": seed, "steps": n}
        for lr, all_ in steps.items()
        for seed, n in enumerate(all_)
    ]
    runs += [{"batch_size": 9, "lr": 1.0, "seed": 0, "steps": None}]

    assert best(runs) == [
        {"batch_size": 8, "lr": 0.5, "steps": 10, "epochs": 80 / EXAMPLES, "examples": 80, "low": 10, "high": 10}
    ]


def test_the_fit_finds_the_law_that_made_the_steps():
    """Steps that follow S_min (1 + Bₙ/B) give S_min and Bₙ back, as closely as the grid of Bₙ is."""
    found = fit([{"batch_size": size, "steps": steps_to_target(**LAW, batch_size=size)} for size in BATCH_SIZES])

    assert found == pytest.approx(LAW, rel=0.01)


@cache
def counted():
    """Return real counts at rates that are linear up to batch 32 and constant from there, of five seeds."""
    runs = [run(size, min(size / 8, 4.0), seed) for size in BATCH_SIZES for seed in range(5)]
    rows = best(runs)
    return {"efficiency": {"best": rows, "fit": fit(rows), "noise": noise_scales(range(5))}}


@pytest.mark.parametrize("holds", properties.COUNTS, ids=lambda each: each.__name__)
def test_counts_on_digits_are_as_the_page_says(holds):
    """In proportion below the noise scale, constant above, and the knee between."""
    assert holds(counted())


def test_the_noise_scale_grows():
    """It is several times larger where the loss is 0.3 than at the start, on every seed the same way."""
    noise = {row["loss"]: row for row in counted()["efficiency"]["noise"]}

    assert noise[TARGET]["low"] > noise[None]["high"]
    assert noise[0.1]["low"] > noise[TARGET]["high"]


def test_held_out_digits_are_learned_at_every_batch_size():
    """After equal epochs small batches know the most, after equal steps large ones: they have seen more."""
    small, large = generalization({2: 0.25, 1024: 4.0}, range(2), epochs=4, steps=40)

    assert small["epochs"] > large["epochs"] > 0.3
    assert large["steps"] > small["steps"]


@cache
def synthetic_results():
    """Return results as a machine would give that follows the laws to the letter."""
    rows = []
    for size in BATCH_SIZES:
        steps = steps_to_target(**LAW, batch_size=size)
        rows += [{"batch_size": size, "lr": 4 / (1 + 32 / size), "steps": steps, "epochs": steps * size / EXAMPLES}]
        rows[-1] |= {"examples": steps * size, "low": steps, "high": None}
    times = []
    for network, sizes in NETWORKS.items():
        for size in BATCH_SIZES:
            seconds = {
                name: cost * (25e-6 + 0.4e-6 * size) for name, cost in (("float64", 3), ("tuned", 1), ("floor", 0.5))
            }
            steps = {
                name: {"seconds": s, "least": s, "samples_per_second": size / s, "gflops": flops(sizes, size) / s / 1e9}
                for name, s in seconds.items()
            }
            ratios = {"tuned/floor": 2.0, "float64/tuned": 3.0}
            times += [{"network": network, "sizes": list(sizes), "batch_size": size, "steps": steps, "ratios": ratios}]
    noise = [
        {"loss": loss, "noise_scale": s, "low": s, "high": s} for loss, s in ((None, 32.0), (0.3, 100.0), (0.1, 400.0))
    ]
    accuracies = [{"batch_size": size, "lr": 1.0, "epochs": 0.97, "steps": 0.9} for size in BATCH_SIZES]
    counts = {"best": rows, "fit": LAW, "noise": noise, "generalization": accuracies}
    return report.results(times, counts, full=False, started=now())


def test_a_lawful_machine_has_all_properties():
    """What is asserted of real results holds of ideal ones."""
    assert set(properties.judged(synthetic_results()).values()) == {True}


@pytest.mark.parametrize(
    ("broken", "batch_size", "field", "value"),
    [
        ("epochs_count_the_examples", 4, "epochs", 1.0),
        ("small_batches_scale", 8, "steps", 200),
        ("large_batches_do_not_scale", 512, "steps", 1),
        ("large_batches_need_more_epochs", 512, "epochs", 0.1),
        ("small_batches_need_equal_epochs", 8, "epochs", 1.0),
        ("the_noise_scale_tells_the_knee", 2, "examples", 10_000),
        ("neither_end_is_fastest", 1, "steps", 1),
    ],
)
def test_a_property_of_counts_can_fail(broken, batch_size, field, value):
    """A property that nothing can break would say nothing."""
    results = copy.deepcopy(synthetic_results())
    next(row for row in results["efficiency"]["best"] if row["batch_size"] == batch_size)[field] = value

    assert properties.judged(results)[broken] is False


@pytest.mark.parametrize(
    ("broken", "batch_size", "field", "value"),
    [
        ("larger_batches_are_faster_by_the_sample", 64, "least", 1e-3),
        ("larger_batches_are_slower_by_the_update", 1024, "least", 1e-6),
        ("rates_agree", 16, "samples_per_second", 1.0),
    ],
)
def test_a_property_of_times_can_fail(broken, batch_size, field, value):
    """The same of those that a clock tells."""
    results = copy.deepcopy(synthetic_results())
    for row in results["throughput"]:
        if row["batch_size"] == batch_size:
            row["steps"]["tuned"][field] = value

    assert properties.judged(results)[broken] is False


def test_what_the_sizes_do_not_tell_is_not_judged():
    """Whoever measures three batch sizes is not told that a law is broken which they did not look at."""
    results = copy.deepcopy(synthetic_results())
    results["efficiency"]["best"] = [row for row in results["efficiency"]["best"] if row["batch_size"] in {2, 4, 16}]

    assert properties.judged(results)["small_batches_scale"] is None
    assert properties.judged(results)["epochs_count_the_examples"] is True


def test_the_report_tells_where_more_stops_paying():
    """The table that a person wants fits a terminal and names the three batch sizes."""
    lines = list(report.lines(synthetic_results()))
    told = {line[:23].strip(): line[23:] for line in lines[-6:]}

    assert max(map(len, lines)) <= 80
    assert told["throughput saturates"].startswith("batch 512, at ")  # the first of 512/562.5 ≥ 0.9 · 1797/1822
    assert told["steps stop falling"] == "batch 64, near the fewest, 10"
    assert told["in between"] == "64 to 512: cheaper samples, but hardly fewer steps"
    assert not any("torch" in line for line in lines[2:])


def test_broken_properties_are_reported():
    """Whoever measures something odd is told so."""
    results = copy.deepcopy(synthetic_results())
    results["properties"]["rates_agree"] = False

    assert list(report.lines(results))[-1] == "unexpected: rates agree does not hold"


def test_the_figures_are_drawn_from_any_results(tmp_path):
    """Someone's own figures look as those of the page, without PyTorch and JAX, too."""
    pytest.importorskip("matplotlib")
    paths = figures.write(synthetic_results(), tmp_path)

    assert [path.name for path in paths] == [f"batch_size_{name}.svg" for name in ("time", "steps", "rates", "noise")]
    assert "PyTorch eager" not in paths[0].read_text(encoding="utf-8")


def test_times_of_a_small_measurement_fit_together():
    """Real rows have what the report needs: every step, and rates that follow from the seconds."""
    rows = throughput((1, 32), networks=("digits",), rounds=1)

    assert [row["batch_size"] for row in rows] == [1, 32]
    assert rows[0]["sizes"] == list(SIZES)
    assert {"float64", "tuned", "floor"} <= set(rows[0]["steps"])
    assert properties.rates_agree({"throughput": rows})


def test_the_reference_run_is_what_its_results_say():
    """The numbers that the page quotes follow from the committed results, and those have all properties."""
    found = reference()

    assert found["schema"] == report.SCHEMA
    assert found["numbers"] == json.loads(json.dumps(report.numbers(found)))
    assert [name for name, holds in properties.judged(found).items() if not holds] == []
    assert PATH.stat().st_size < 60_000


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_sizes": "0"}, "--batch-sizes 0: a batch has 1 to 1797 examples, not 0"),
        ({"batch_sizes": "8,1798"}, "--batch-sizes 8,1798: a batch has 1 to 1797 examples, not 1798"),
        ({"batch_sizes": "8;9"}, "--batch-sizes 8;9: '8;9' is no number; write them as 1,8,64"),
        ({"output": Path("taken")}, "--output taken: File exists; give a folder that can be written to"),
        (
            {"results": Path("old.jsonl"), "output": Path("new")},
            "old.jsonl:1: written with schema 0, not 1; name another file, or delete this one",
        ),
    ],
)
def test_bad_input_is_told_before_anything_is_measured(tmp_path, monkeypatch, given, said):
    """Whoever mistypes learns it at once, and in one line."""
    monkeypatch.chdir(tmp_path)
    Path("taken").touch()
    Path("old.jsonl").write_text(json.dumps({"schema": 0, **provenance(run), "options": {}}) + "\n", encoding="utf-8")
    nothing = {"batch_sizes": None, "scheduler": None, "results": None, "output": Path("new")}

    with pytest.raises(BadInput) as told:
        benching.bench(**{**nothing, **given}, full=False, renew=False)
    assert str(told.value) == said


def test_one_batch_size_is_measured_from_end_to_end(tmp_path, capsys):
    """Runs, noise, times, table, results and figures come out of one command, without PyTorch and JAX, too."""
    pytest.importorskip("joblib")
    pytest.importorskip("matplotlib")
    code = benching.bench("64", None, None, tmp_path, full=False, renew=False)
    printed = capsys.readouterr().out.splitlines()
    found = json.loads((tmp_path / "batch_size.json").read_text(encoding="utf-8"))

    assert code == 0
    assert [row["batch_size"] for row in found["efficiency"]["best"]] == [64]
    assert found["efficiency"]["runs"] == 50
    assert printed[: len(list(report.lines(found)))] == list(report.lines(found))
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".jsonl", ".svg"}


def test_the_command_tells_bad_input_in_one_line():
    """The command line hands over what it is given, and shows no traceback."""
    command = [sys.executable, "-m", "claims", "bench", "--batch-sizes", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "claims: --batch-sizes 0: a batch has 1 to 1797 examples, not 0\n")


def test_the_benchmarks_are_read_by_their_own_compare(tmp_path):
    """What is kept today can be compared with what is measured next year."""
    kept = tmp_path / "kept.json"
    some = "tests/benchmarks/test_batch_size.py", "-k", "tuned-8] or tuned-64] or target[64]", "--noconftest"
    options = "--benchmark-only", f"--benchmark-json={kept}", "--benchmark-max-time=0.01", "--benchmark-min-rounds=2"
    subprocess.run([sys.executable, "-m", "pytest", *some, *options], cwd=ROOT, capture_output=True, check=True)
    found = json.loads(kept.read_text())["benchmarks"]
    compared = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", kept],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert sorted(each["extra_info"]["batch_size"] for each in found) == [8, 64, 64]
    assert {each["group"] for each in found} == {"update, tuned", "steps to the target"}
    assert "test_steps_to_target[64]" in compared.stdout
