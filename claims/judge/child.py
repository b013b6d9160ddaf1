"""The child: reads requests, evaluates, answers. It holds no claim, no reference and no verdict.

It starts as a nursery that has imported NumPy and forks a confined process for each file; that
process reads the file, and is the only one that ever runs a line of it.
"""

import builtins
import contextlib
import importlib
import inspect
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from claims.engine.evaluation import Caches, Evaluation, Returned, StaleCache, evaluate
from claims.judge import limits
from claims.judge.channel import Channel, Closed
from claims.judge.file import defined
from claims.judge.wire import LARGEST, Callback, Garbled, pack, unpack

# What a file may import, though its process may read no folder: read here, before it is confined.
_STANDARD = (
    "abc array bisect cmath collections.abc contextlib copy dataclasses decimal enum fractions functools heapq "
    "itertools math numbers operator random re statistics string time types typing warnings "
    "numpy.fft numpy.linalg numpy.lib.stride_tricks numpy.ma numpy.polynomial numpy.random numpy.typing"
)
_LONG = 500  # characters of a message that are worth telling
_GRACE = 0.5  # seconds in which a process that has closed its channel may end by itself


def nursery(control: socket.socket) -> NoReturn:
    """Fork a confined process when asked, one at a time, and end it and all it left behind when asked."""
    for name in _STANDARD.split():
        importlib.import_module(name)
    limits.adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the judge, which then ends this process, too
    user = limits.someone_else()
    channel = Channel(control)
    with contextlib.suppress(Closed, Garbled):
        while True:
            request, argument = unpack(channel.receive())
            if request == "fork":
                channel.send(pack(None))  # a descriptor must not come behind a frame: reading that would drop it
                _, ends, _, _ = socket.recv_fds(control, 1, 1)
                if user is not None:
                    os.chown(argument, user, user)
                process = os.fork()
                if process == 0:
                    _confined(socket.socket(fileno=ends[0]), argument, user)
                os.close(ends[0])
                channel.send(pack(process))
            else:
                channel.send(pack(_ended(argument)))
    os._exit(0)


def _ended(process: int) -> int:
    """End a process and all that it left behind; return its exit code, or minus the signal that ended it."""
    status = None
    deadline = time.monotonic() + _GRACE
    while status is None and time.monotonic() < deadline:
        found, how = os.waitpid(process, os.WNOHANG)
        status = how if found else None
        time.sleep(0.001)
    while True:
        for victim in limits.descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        try:
            found, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return 0 if status is None else os.waitstatus_to_exitcode(status)
        if found == process:
            status = how


def _confined(end: socket.socket, folder: str, user: int | None) -> NoReturn:
    """Become the process that runs foreign code: limited, in a folder of its own, and without any other descriptor."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, end.fileno())
    os.closerange(end.fileno() + 1, 1 << 12)
    code = 1
    with contextlib.suppress(Closed, Garbled):
        notices = limits.confine(folder, user)
        channel = Channel(end)
        channel.send(pack(notices))
        serve(channel)
        code = 0
    os._exit(code)


def serve(channel: Channel) -> None:
    """Answer requests until the other side closes the channel."""
    caches = Caches(0)
    functions: dict[str, Callable[..., Any]] = {}
    while True:
        request, *rest = unpack(channel.receive())
        if request == "load":
            source, shown, first_cache = rest
            answer, functions = _loaded(source, shown)
            caches = Caches(first_cache)
        elif request == "forget":
            caches.forget()
            continue
        else:
            answer = _called(functions, caches, channel, *rest)
        channel.send(answer)


def _loaded(source: str, shown: str) -> tuple[bytes, dict[str, Callable[..., Any]]]:
    """Run a file and tell which functions it defines, with their parameters, and which names it has from elsewhere."""
    try:
        own, others = defined(source, shown)
    except BaseException as error:  # noqa: BLE001 - told to the judge, whatever it is
        return pack(("failed", *_told(error, shown))), {}
    return pack(("loaded", {name: _parameters(f) for name, f in own.items()}, others)), own


def _parameters(function: Callable[..., Any]) -> list[tuple[str, int, bool]]:
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, int(p.kind), p.default is not p.empty) for p in parameters]


def _called(
    functions: dict[str, Callable[..., Any]],
    caches: Caches,
    channel: Channel,
    number: int,
    name: str,
    packed: bytes,
    options: Sequence[str],
    *returned: Any,
) -> bytes:
    """Call a function; return the number of the request, the inputs as they are now, and what came of the call."""
    inputs = unpack(packed)
    given = [_calling(value, channel, number) if isinstance(value, Callback) else value for value in inputs]
    leading = len(inputs) - len(options)
    named = dict(zip(options, given[leading:], strict=True))
    try:
        evaluation = evaluate(functions[name], given[:leading], named, caches, Returned(*returned))
    except StaleCache as error:
        return pack(("stale", number, str(error)))
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt and its like, raised by the function
        evaluation = Evaluation(given, error=RuntimeError(f"it raised {type(error).__name__}"))
    views = [(view.result, view.argument, view.is_itself) for view in evaluation.views]
    warnings = [warning[:_LONG] for warning in evaluation.warnings[:_LONG]]
    raised = evaluation.error and _told(evaluation.error, functions[name].__code__.co_filename)
    try:
        answer = pack(("done", number, pack(inputs), evaluation.result, views, warnings, raised))
        if len(answer) <= LARGEST:
            return answer
        reason = f"it returned {len(answer):,} bytes"
    except (MemoryError, ValueError) as trouble:
        reason = f"its result does not travel: {type(trouble).__name__}"
    return pack(("done", number, packed, None, [], warnings, _told(MemoryError(reason), "")))


def _calling(callback: Callback, channel: Channel, number: int) -> Callable[..., Any]:
    """Return a function that calls the one that stayed with the judge."""

    def function(*arguments: Any, **options: Any) -> Any:
        channel.send(pack(("callback", number, callback.number, arguments, options)))
        result, error = unpack(channel.receive())
        if error:
            raise RuntimeError(error)
        return result

    return function


def _told(error: BaseException, file: str) -> tuple[str, str, str, int]:
    """Return what an error is by Python's own name, its own name, its message, and its line in the file, 0 if none."""
    known = next(kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind)
    try:
        message = str(error)[:_LONG]
    except Exception:  # noqa: BLE001 - a message that cannot be said is none
        message = ""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else 0
    return known, type(error).__name__[:80], message, line or 0
