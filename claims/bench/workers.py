"""Who computes the runs of a sweep: processes on this machine, or the workers of a Dask cluster."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, as_completed
from importlib.util import find_spec
from typing import Any, TypeAlias

from claims.bench.journal import Result
from claims.engine.subjects import BadInput

Task: TypeAlias = Callable[[Any], Result]

_PATIENCE = 5.0  # seconds in which a scheduler answers; with the import of distributed, less than ten
_ALONE = 60.0  # seconds for which a cluster may have no worker
_IDLE = 20.0  # seconds after which a process without work ends: whoever is killed leaves nothing behind for long
_POLL = 0.05  # seconds
_BATCH = 16  # runs that travel together at most: a run takes milliseconds, its way half of one
_SHARES = 8  # batches for each process at least, so that none waits long for the last
_PROJECT = "claims"


class Lost(Exception):
    """Processes ended and took runs with them, which can be done again; the message says how."""


def on_this_machine(task: Task, points: Sequence[Any], workers: int | None) -> Generator[Result]:
    """Yield the result of a task for each point, in the order in which they arrive, from so many loky processes.

    The futures of a broken pool all tell of it; joblib's Parallel, which would size the batches itself, can
    wait for ever if a process is killed while it hands out work.

    Raises Lost if a process is killed: loky then ends the others, too, and what they had not handed over is gone.
    An exception of the task ends all of it.
    """
    with _needing("bench"):
        from joblib import cpu_count  # noqa: PLC0415 - an extra
        from joblib.externals.loky import BrokenProcessPool, get_reusable_executor  # noqa: PLC0415

    number = workers or cpu_count()
    size = max(1, min(_BATCH, len(points) // (_SHARES * number)))
    executor = get_reusable_executor(number, timeout=_IDLE)
    try:
        futures = [executor.submit(_each, task, points[at : at + size]) for at in range(0, len(points), size)]
        for future in as_completed(futures):
            yield from future.result()
    except BrokenProcessPool as error:
        raise Lost(_first_line(error)) from None
    except BaseException:
        executor.shutdown(kill_workers=True)  # whoever stops early waits for none of them
        raise


def _each(task: Task, points: Sequence[Any]) -> list[Result]:
    return [task(point) for point in points]


def on_cluster(task: Task, points: Sequence[Any], scheduler: str) -> Generator[Result]:
    """Yield the result of a task for each point, in the order in which they arrive, from a Dask cluster.

    Dask itself repeats what a lost worker had, finished or not; each point has a future of its own, which
    arrives once.  (joblib's Dask backend waits for ever on a batch that Dask has given up.)

    Raises BadInput if no scheduler answers or it has no workers, and Lost if Dask gives a task up, or the
    scheduler itself is lost.  An exception of the task ends all of it.
    """
    with _needing("cluster"):
        from distributed import Client, KilledWorker  # noqa: PLC0415 - an extra
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what ends a sweep is told in one line of ours
    _greet(scheduler)
    try:
        with Client(scheduler, timeout=_PATIENCE, set_as_default=False) as client:
            _require_project(client, scheduler)
            futures = client.map(task, points, pure=False)  # no names that another sweep on the cluster could share
            for batch in _batches(client, futures, scheduler):
                yield from client.gather(batch)
    except (KilledWorker, CancelledError, OSError) as error:
        raise Lost(_first_line(error)) from None


def _greet(scheduler: str) -> None:
    """Raise BadInput unless a scheduler answers: a Client waits for ever on a peer that accepts and says nothing."""
    from distributed import rpc  # noqa: PLC0415 - an extra

    async def ask() -> str:
        async with rpc(scheduler) as peer:
            return str((await peer.identity())["type"])

    try:
        found = asyncio.run(asyncio.wait_for(ask(), _PATIENCE))
    except ValueError as error:
        raise BadInput(f"{scheduler!r} is no address ({error}); write it as tcp://HOST:8786") from None
    except Exception:  # noqa: BLE001 - a peer of another kind may answer anything
        raise BadInput(f"no Dask scheduler answers at {scheduler}; start one: dask scheduler") from None
    if found != "Scheduler":
        raise BadInput(f"at {scheduler} is a Dask {found.lower()}; give the address of its scheduler")


def _require_project(client: Any, scheduler: str) -> None:
    """Raise BadInput if the scheduler or a worker lacks this project: a worker ends on a task that it cannot read."""
    # As it travels by name, find_spec needs nothing of ours over there.
    found = {scheduler: client.run_on_scheduler(find_spec, _PROJECT), **client.run(find_spec, _PROJECT)}
    for address, there in found.items():
        if there is None:
            raise BadInput(f"at {address} this project is not installed; install the same version there")


def _batches(client: Any, futures: Sequence[Any], scheduler: str) -> Iterator[list[Any]]:
    """Yield the futures that have arrived; raise BadInput if none can, for want of workers."""
    from distributed import as_completed as arriving  # noqa: PLC0415 - an extra

    arrivals = arriving(futures, loop=client.loop)
    seen = time.monotonic()
    while arrivals.count():
        if batch := arrivals.next_batch(block=False):
            yield batch
        elif client.nthreads():
            seen = time.monotonic()
        elif time.monotonic() - seen > _ALONE:
            raise BadInput(f"{scheduler} has no workers; start some where this is installed: dask worker {scheduler}")
        if not batch:
            time.sleep(_POLL)


@contextlib.contextmanager
def _needing(extra: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise BadInput(
            f"a sweep needs {error.name}, which is not installed; pip install 'executable-answers[{extra}]'"
        ) from None


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
