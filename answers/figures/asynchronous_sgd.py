"""Q21: what staleness allows, who carries it, and what waiting costs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from answers.asynchronous_sgd import (
    async_sgd,
    max_nonoscillating_lr,
    max_stable_lr_with_delay,
    synchronous_step_time,
)
from answers.figures import _style

ALT = (
    "Three panels. At the top, the largest stable learning rate times the curvature against the delay: it falls from "
    "2 without delay to 1 for one update and 0.2 for seven, and simulated thresholds lie on the curve; the rate "
    "without overshooting lies below, from 1 to 0.05. In the middle, the share of updates by their staleness, for "
    "three workers of about equal speed and a fourth that takes four times as long: the three have missed 2 or 3 "
    "updates, the slow one about 12, and the mean is 3. At the bottom, gradients per unit of time against the number "
    "of workers: asynchronously as many as there are workers, synchronously 32 workers deliver 8, and 14 if the "
    "slowest eighth is not waited for."
)
DELAYS = np.arange(8)
PACE = (1.0, 1.01, 1.02, 4.07)  # time per gradient; slightly unequal, so that no two write at once
UPDATES = 4000
WORKERS = np.array([1, 2, 4, 8, 16, 24, 32])


def data() -> dict[str, NDArray]:
    """Return thresholds with and without overshooting, the simulated ones, staleness by worker, and throughputs."""
    clock = np.array(PACE)
    schedule = np.empty(UPDATES, dtype=int)
    for t in range(UPDATES):
        schedule[t] = np.argmin(clock)
        clock[schedule[t]] += PACE[schedule[t]]
    _, staleness, _, _ = async_sgd(np.array(0.0), lambda w, _: w, schedule, lr=0.1, workers=len(PACE))
    most = int(staleness.max())
    slow = schedule == len(PACE) - 1
    backups = WORKERS // 8
    return {
        "stable": np.array([max_stable_lr_with_delay(1.0, delay=delay) for delay in DELAYS.tolist()]),
        "simulated": np.array([_simulated_threshold(delay) for delay in DELAYS.tolist()]),
        "steady": np.array([max_nonoscillating_lr(1.0, delay=delay) for delay in DELAYS.tolist()]),
        "fast": np.bincount(staleness[~slow], minlength=most + 1) / UPDATES,
        "slow": np.bincount(staleness[slow], minlength=most + 1) / UPDATES,
        "mean": staleness.mean(),
        "waiting": np.array([n / synchronous_step_time(n) for n in WORKERS.tolist()]),
        "backed": np.array(
            [
                (n - b) / synchronous_step_time(n - b, backups=b)
                for n, b in zip(WORKERS.tolist(), backups.tolist(), strict=True)
            ]
        ),
    }


def _simulated_threshold(delay: int) -> float:
    """Return by bisection the rate from which w, whose gradients are `delay` updates old, no longer decays."""
    low, high = 0.0, 3.0
    for _ in range(16):
        lr = (low + high) / 2
        w = [1.0] * (delay + 1)
        while len(w) < 4000 and 1e-6 < abs(max(w[-1 - 2 * delay :], key=abs)) < 1e6:
            w.append(w[-1] - lr * w[-1 - delay])
        low, high = (lr, high) if abs(max(w[-1 - 2 * delay :], key=abs)) < 1 else (low, lr)
    return low


def draw(found: dict[str, NDArray]) -> Any:
    """Return the figure: thresholds, staleness, throughput."""
    with _style.house_style() as plt:
        figure, (rates, ages, speeds) = plt.subplots(3, 1, figsize=(5.2, 8.4))
        rates.semilogy(DELAYS, found["stable"], color=_style.BLUE)
        rates.semilogy(DELAYS, found["simulated"], "o", color=_style.BLUE, markersize=5, markerfacecolor="none")
        rates.semilogy(DELAYS, found["steady"], "--", color=_style.ORANGE)
        rates.text(2.6, 0.62, "stable below, ○ simulated", color=_style.BLUE)
        rates.text(0.35, 0.075, "no overshooting below", color=_style.ORANGE)
        rates.set(xlabel="delay τ, in updates", ylabel="ηh", title="What staleness allows")
        rates.set_yticks([0.05, 0.1, 0.2, 0.5, 1, 2], ["0.05", "0.1", "0.2", "0.5", "1", "2"])
        rates.minorticks_off()
        x = np.arange(len(found["fast"]))
        ages.bar(x, found["fast"], color=_style.BLUE)
        ages.bar(x, found["slow"], bottom=found["fast"], color=_style.ORANGE)
        ages.axvline(found["mean"], color=_style.INK, linewidth=1)
        ages.text(found["mean"] + 0.2, 0.62, "mean: W − 1 = 3", color=_style.INK)
        ages.text(3.7, 0.3, "three workers", color=_style.BLUE)
        ages.text(9.0, 0.14, "one, 4 × as slow", color=_style.ORANGE)
        ages.set(xlabel="staleness, in updates", ylabel="share of updates", title="Who carries it")
        speeds.plot(WORKERS, WORKERS, color=_style.BLUE)
        speeds.plot(WORKERS, found["backed"], "-.", color=_style.GREEN)
        speeds.plot(WORKERS, found["waiting"], "--", color=_style.ORANGE)
        speeds.text(11, 18, "asynchronous", color=_style.BLUE, ha="right")
        speeds.text(32, 15.5, "without the slowest eighth", color=_style.GREEN, ha="right")
        speeds.text(32, 3.5, "waiting for all", color=_style.ORANGE, ha="right")
        speeds.set(
            xlabel="workers, times exponential with mean 1",
            ylabel="gradients per unit of time",
            ylim=(0, None),
            title="What waiting costs",
        )
        return figure
