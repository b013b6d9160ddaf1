"""The report: the results as JSON, and the table that a person wants."""

import os
import platform
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from claims.bench.efficiency import EPOCHS, STEPS
from claims.bench.properties import Results, Row, judged, knee
from claims.bench.run import EXAMPLES, TARGET
from claims.engine.evidence import environment, project

SCHEMA = 1
_ENOUGH = 0.9  # of the highest samples a second: there throughput saturates
_FEW = 1.5  # times the fewest steps of the fitted law: there they stop falling
_FRAMEWORKS = ("torch", "jax")


def results(throughput: list[Row], efficiency: dict[str, Any], *, full: bool, started: datetime) -> Results:
    """Return all that a run found, as JSON can hold it."""
    found = {
        "schema": SCHEMA,
        "full": full,
        "date": started.isoformat(timespec="seconds"),
        "project": project(),
        "machine": machine(),
        "versions": versions(),
        "throughput": throughput,
        "efficiency": efficiency,
    }
    found["numbers"] = numbers(found)
    found["properties"] = judged(found)
    return found


def machine() -> dict[str, Any]:
    """Return what decides the times: processor, cores, system, and the library that multiplies."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": f"{blas['name']} {blas['version']}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def versions() -> dict[str, str]:
    """Return the versions of what computes; of what is missing, that it is not installed."""
    known = environment()
    found = {name: known[name] for name in ("python", "numpy")}
    for name in _FRAMEWORKS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def numbers(found: Results) -> dict[str, Any]:
    """Return what the report and the page tell of the results, by name."""
    efficiency = found["efficiency"]
    best, fitted, noise = efficiency["best"], efficiency["fit"], efficiency["noise"]
    held_out = efficiency["generalization"]
    seconds = _seconds_to_target(found)
    smallest, largest = held_out[0], held_out[-1]
    fastest = min(seconds, key=lambda size: seconds[size])
    told = {
        **{f"saturation_{name}": _saturation(found, name)[0] for name in ("small", "large", "digits")},
        **{f"speedup_{name}": _saturation(found, name)[1] for name in ("small", "large", "digits")},
        "knee": knee(best),
        "flat": next((r["batch_size"] for r in best if r["steps"] <= _FEW * fitted["min_steps"]), EXAMPLES),
        "min_steps": fitted["min_steps"],
        "noise_fitted": fitted["noise_scale"],
        "noise_start": noise[0]["noise_scale"],
        "noise_target": next(row["noise_scale"] for row in noise if row["loss"] == TARGET),
        "equal_epochs": EPOCHS,
        "equal_steps": STEPS,
        "epochs_smallest": smallest["epochs"],
        "steps_smallest": smallest["steps"],
        "epochs_largest": largest["epochs"],
        "steps_largest": largest["steps"],
        "fastest": fastest,
        "fastest_ms": 1e3 * seconds[fastest],
    }
    return {**found["machine"], **found["versions"], "date": found["date"][:10], **told}


def _saturation(found: Results, network: str) -> tuple[int, float]:
    """Return the least batch size with 90 % of the highest rate of samples, and that rate over that of the smallest."""
    rows = [row for row in found["throughput"] if row["network"] == network]
    rates = {row["batch_size"]: row["steps"]["tuned"]["samples_per_second"] for row in rows}
    highest = max(rates.values())
    return min(size for size, rate in rates.items() if rate >= _ENOUGH * highest), highest / rates[min(rates)]


def _seconds_to_target(found: Results) -> dict[int, float]:
    """Return the steps to the target times the seconds of a tuned step, by batch size."""
    step = {r["batch_size"]: r["steps"]["tuned"]["seconds"] for r in found["throughput"] if r["network"] == "digits"}
    best = found["efficiency"]["best"]
    return {row["batch_size"]: row["steps"] * step[row["batch_size"]] for row in best if row["batch_size"] in step}


def lines(found: Results) -> Iterator[str]:
    """Yield the report, at most 80 columns wide."""
    told = found["numbers"]
    yield f"{told['processor']}, {told['cores']} cores, {told['blas']}"
    yield " · ".join(f"{name} {number}" for name, number in found["versions"].items())
    for network in ("small", "large"):
        yield from ("", *_throughput_table(found, network))
    yield from ("", *_efficiency_table(found))
    yield ""
    yield from _closing(told)
    if broken := [name for name, holds in found["properties"].items() if holds is False]:
        yield f"unexpected: {', '.join(name.replace('_', ' ') for name in broken)} does not hold"


def _throughput_table(found: Results, network: str) -> Iterator[str]:
    rows = [row for row in found["throughput"] if row["network"] == network]
    names = [name for name in ("floor", "float64", "torch", "jax", "tuned") if name in rows[0]["steps"]]
    yield f"one step of {' → '.join(map(str, rows[0]['sizes']))} on one core, in µs; last, the tuned one"
    yield f"{'batch':>6}{''.join(f'{name:>10}' for name in names)}{'a sample':>11}{'GFLOP/s':>9}"
    for row in rows:
        tuned = row["steps"]["tuned"]
        times = "".join(f"{_short(1e6 * row['steps'][name]['seconds']):>10}" for name in names)
        each = 1e6 / tuned["samples_per_second"]
        yield f"{row['batch_size']:>6}{times}{_short(each):>11}{tuned['gflops']:>9.1f}"


def _efficiency_table(found: Results) -> Iterator[str]:
    seconds = _seconds_to_target(found)
    held_out = {row["batch_size"]: row for row in found["efficiency"]["generalization"]}
    yield f"digits, 64 → 32 → 10, until the loss is {TARGET}; accuracy on digits held out"
    yield f"{'batch':>6}{'best rate':>11}{'steps':>8}{'epochs':>8}{'ms':>8}   after equal epochs, steps"
    for row in found["efficiency"]["best"]:
        size = row["batch_size"]
        accuracy = held_out[size]
        yield (
            f"{size:>6}{row['lr']:>11g}{row['steps']:>8g}{row['epochs']:>8.2f}"
            f"{_short(1e3 * seconds[size]) if size in seconds else '':>8}"
            f"{accuracy['epochs']:>16.1%}{accuracy['steps']:>10.1%}"
        )


def _closing(told: dict[str, Any]) -> Iterator[str]:
    where = f"batch {told['saturation_digits']}, at {told['speedup_digits']:.0f} × the samples a second of the smallest"
    rows = {
        "throughput saturates": where,
        "steps stop falling": f"batch {told['flat']}, near the fewest, {told['min_steps']:.0f}",
        "in between": _between(told["saturation_digits"], told["flat"]),
        "fastest to the target": f"batch {told['fastest']}, in {_short(told['fastest_ms'])} ms",
        "noise scale": f"{told['noise_start']:.0f} at the start, {told['noise_target']:.0f} at the target",
        "as the steps tell it": f"{told['noise_fitted']:.0f}",
    }
    yield from (f"{label:<23}{content}" for label, content in rows.items())


def _between(saturation: int, flat: int) -> str:
    if flat < saturation:
        return f"{flat} to {saturation}: cheaper samples, but hardly fewer steps"
    if flat > saturation:
        return f"{saturation} to {flat}: fewer steps, each at its full price"
    return f"nothing: both happen at batch {flat}"


def _short(value: float) -> str:
    """Return a positive number with three digits or all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
