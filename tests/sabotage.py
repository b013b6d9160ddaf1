"""Workers that fail, for the tests of the parameter server: light to import, since every worker does."""

import os
import signal
import sys
import time


def die_with(lock, taken, worker, how):
    """Be worker 0 and end in some way with the lock in hand, or be another and then wait for the lock."""
    if worker > 0:
        taken.wait(60)
        lock.acquire(timeout=60)
        return
    lock.acquire()
    taken.set()
    if how == "raises":
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - its traceback would look like a failure
        raise RuntimeError("no more gradients")
    if how == "exits":
        os._exit(3)
    if how == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def announce_and_wait(barrier):
    """Say so when at work, then wait for someone who does not come."""
    print("at work", flush=True)
    barrier.wait(60)
