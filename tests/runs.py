"""Runs for the sweeps of tests: what a worker process imports must be light, and lie in a module."""

import os
import signal
import time
from pathlib import Path

import numpy as np


def add(batch_size, lr, seed):
    """Return at once."""
    return {"loss": batch_size * lr + seed, "seconds": time.perf_counter()}


def dawdle(batch_size, lr, seed, *, seconds):
    """Take some time, so that others can act in the middle."""
    time.sleep(seconds)
    return add(batch_size, lr, seed)


def descend(batch_size, lr, seed):
    """Train a linear layer on noise: products and exponentials, whose last bits depend on who computes them."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((64, 10), np.float32)
    for _ in range(20):
        x = rng.standard_normal((batch_size, 64), np.float32)
        odds = np.exp(x @ W / 8)
        W -= np.float32(lr / batch_size) * (x.T @ (odds / odds.sum(axis=1, keepdims=True)))
    return {"loss": float(np.abs(W).sum()), "seconds": time.perf_counter()}


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
