"""Q21: asynchronous and synchronous SGD: what is averaged, what is stale, what is stable, and who waits."""

from collections.abc import Callable
from math import inf, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray


def synchronous_sgd_step(w: NDArray, gradients: NDArray, sizes: NDArray, *, lr: float) -> NDArray:
    """Return the weights after all workers' mean gradients, each over `sizes` examples, were averaged into one step.

    Shapes: w (D,), gradients (W, D), sizes int (W,) -> (D,)
    """
    return w - lr * (sizes @ gradients) / np.sum(sizes)


def async_sgd(
    w: NDArray, gradient: Callable, schedule: NDArray, *, lr: float, workers: int
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return the weights after each worker in `schedule` applied, in turn, the gradient at the weights it last read.

    All workers read w first; whoever has written reads again.  Beside the final weights come the
    staleness of each update, i.e. how many updates it has missed, that of the gradients still in
    flight, one for each worker, and the weights from start to end.
    Raises ValueError if the schedule names a worker that there is not.

    Shapes: w (*S), gradient callable, schedule int (T,) -> (*S), int (T,), int (W,), (T + 1, *S)
    """
    if not all(0 <= worker < workers for worker in schedule):
        raise ValueError(f"workers are numbered from 0 to {workers} exclusively, not {schedule}")
    w = np.array(w, dtype=np.result_type(w, 1.0))
    read = [(w, 0)] * workers
    staleness, trajectory = [], [w]
    for version, worker in enumerate(schedule):
        stale, read_at = read[worker]
        w = w - lr * gradient(stale, worker)
        staleness.append(version - read_at)
        trajectory.append(w)
        read[worker] = w, version + 1
    pending = [len(schedule) - read_at for _, read_at in read]
    return w, np.array(staleness, dtype=int), np.array(pending), np.array(trajectory)


def max_stable_lr_with_delay(curvature: float, *, delay: int) -> float:
    """Return the rate below which descent converges on ½hw² when each gradient is `delay` updates old.

    Shapes: curvature float -> float

    Source: Levin and May, A note on difference-delay equations, Theoretical Population Biology 9(2), 1976.
    """
    return 2 * sin(pi / (4 * delay + 2)) / curvature if curvature > 0 else inf


def max_nonoscillating_lr(curvature: float, *, delay: int) -> float:
    """Return the rate up to which delayed descent on ½hw² approaches the minimum from one side.

    Shapes: curvature float -> float
    """
    return delay**delay / (delay + 1) ** (delay + 1) / curvature


def staleness_aware_lr(lr: float, *, delay: int) -> float:
    """Return the rate for a gradient that is `delay` updates old.

    Shapes: lr float -> float

    Source: Zhang, Gupta, Lian and Liu, Staleness-aware Async-SGD for Distributed Deep Learning, IJCAI 2016.
    """
    return lr / (delay + 1)


def max_stable_lr_with_momentum(curvature: float, *, momentum: float, delay: int = 0) -> float:
    """Return the rate below which heavy-ball momentum converges on ½hw², with gradients 0 or 1 updates old.

    Raises ValueError for any other delay.

    Shapes: curvature float -> float
    """
    if delay == 0:
        return 2 * (1 + momentum) / curvature
    if delay == 1:
        return (1 - momentum) / curvature
    raise ValueError(f"delay must be 0 or 1, not {delay}")


def implicit_momentum(workers: int) -> float:
    """Return the momentum that the mean weights follow when any worker is as likely as any other to write next.

    Shapes: workers int -> float
    """
    return 1 - 1 / workers


def synchronous_step_time(workers: int, *, backups: int = 0) -> float:
    """Return the mean time until the first `workers` of `workers + backups` gradients are there.

    Each takes an independent exponentially distributed time of mean 1.

    Shapes: workers int -> float
    """
    return sum(1 / k for k in range(backups + 1, backups + workers + 1))


def max_mean_slowest_time(mean: float, *, deviation: float, workers: int) -> float:
    """Return the longest that the slowest of `workers` can take on average, for independent times of one law.

    Shapes: mean float -> float
    """
    return mean + deviation * (workers - 1) / sqrt(2 * workers - 1)


def lost_update_range(workers: int, *, increments: int) -> tuple[int, int]:
    """Return the least and the largest count that can result if workers add 1 so many times each, without a lock.

    Shapes: workers int -> int, int
    """
    if workers == 1:
        return increments, increments
    return min(increments, 2), workers * increments


def column_parallel_linear(x: NDArray, shards: list[NDArray]) -> NDArray:
    """Return x W, where each machine holds some columns of W: the outputs are put side by side.

    Shapes: x (B, D), shards list -> (B, C)
    """
    return np.concatenate([x @ shard for shard in shards], axis=1)


def row_parallel_linear(x: NDArray, shards: list[NDArray]) -> NDArray:
    """Return x W, where each machine holds some rows of W and sees only their inputs: the outputs are added.

    Shapes: x (B, D), shards list -> (B, C)
    """
    ends = np.cumsum([len(shard) for shard in shards])
    parts = np.split(x, ends[:-1], axis=1)
    return np.sum([part @ shard for part, shard in zip(parts, shards, strict=True)], axis=0)
