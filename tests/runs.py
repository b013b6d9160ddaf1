"""Runs for the sweeps of tests: what a worker process imports must be light, and lie in a module."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from claims.bench.steps import TunedStep, draw


def add(batch_size, lr, seed):
    """Return at once."""
    return {"loss": batch_size * lr + seed, "seconds": time.perf_counter()}


def dawdle(batch_size, lr, seed, *, seconds):
    """Take some time, so that others can act in the middle."""
    time.sleep(seconds)
    return add(batch_size, lr, seed)


def train(batch_size, lr, seed):
    """Train the benchmark's network on noise: what it computes, without the data that take seconds to load."""
    rng = np.random.default_rng(seed)
    step = TunedStep(draw((64, 32, 10), rng), batch_size, lr=lr)
    for _ in range(20):
        step(rng.standard_normal((batch_size, 64), np.float32), rng.integers(10, size=batch_size))
    return {"loss": float(np.abs(step.flat).sum()), "seconds": time.perf_counter()}


def die_once(batch_size, lr, seed, *, traces):
    """Take a little time; at seed 20, be killed if that has not happened yet."""
    time.sleep(0.002)
    trace = Path(traces, "died")
    if seed == 20 and not trace.exists():
        trace.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return add(batch_size, lr, seed)


def die(batch_size, lr, seed):
    """Be killed at seed 3, whoever tries."""
    if seed == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return add(batch_size, lr, seed)


def refuse(batch_size, lr, seed):
    """Refuse large batches."""
    if batch_size > 4:
        raise ValueError(f"a batch has 1 to 4 examples, not {batch_size}")
    return add(batch_size, lr, seed)
