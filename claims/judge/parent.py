"""The judge's side of the child: start it, call its functions, and outlive whatever it does."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claims.engine.declare import Function
from claims.engine.evaluation import Ended, Evaluation, Handle, Returned, StaleCache
from claims.engine.subjects import BadInput
from claims.judge.channel import PATIENCE, Channel, Closed
from claims.judge.nursery import Nursery
from claims.judge.remote import Remote, raised, view
from claims.judge.wire import Callback, Garbled, pack, unpack


class Lost(Exception):
    """The child is gone, or was ended: the message says what the implementation did."""


@dataclass
class Limits:
    """Seconds that one call may take, of computing and on the clock, and all calls of one function together.

    A busy machine spends the clock on others, so a call that is only slow has more of it.
    """

    cpu: float = 2.0
    wall: float = 10.0
    whole: float = 120.0

    def shorten(self) -> None:
        """Wait less from now on: a file that has taken too long once does so again and again."""
        self.cpu, self.wall = min(self.cpu, 0.5), min(self.wall, 2.0)


class Child:
    """One file, read and called in a confined child, which is started anew whenever it is lost."""

    def __init__(self, nursery: Nursery, path: Path, shown: str) -> None:
        self.nursery = nursery
        self.shown = shown
        self.limits = Limits()
        self.functions: dict[str, Remote] = {}
        self.others: dict[str, str] = {}
        self.notices: list[str] = []
        self.source = source_of(path, shown)
        self.begin()
        self._next_cache = 0
        self._has_caches = False
        self._request = 0
        self.process = 0
        self._channel: Channel | None = None
        self._folder = ""

    def begin(self) -> None:
        """Begin with another function: the time that it may take in all starts now."""
        self._deadline = time.monotonic() + self.limits.whole

    def load(self) -> None:
        """Start the child and let it read the file; raise BadInput, with the line, if that fails."""
        channel = self._start()
        try:
            channel.send(pack(("load", self.source, self.shown, self._next_cache)))
            answer = unpack(channel.receive(self._patience()))
            match answer:
                case ("loaded", dict(functions), dict(others)):
                    self.functions = {name: Remote(name, parameters, self) for name, parameters in functions.items()}
                    self.others = others
                case ("failed", str(), str(name), str(message), int(line)):
                    self.close()
                    said = f"{name}: {message}" if message else name
                    raise BadInput(f"{self.shown}:{line or 1}: {said}; mend it, then it can be judged")
                case _:
                    raise Garbled("no answer to load")  # noqa: TRY301 - as if it could not be read at all
        except (Closed, Garbled, Lost, ValueError, TypeError) as error:
            raise BadInput(
                f"{self.shown}:1: reading it, {self._epitaph(error)}; mend it, then it can be judged"
            ) from None

    def call(
        self, function: Function, arguments: Sequence[Any], options: Mapping[str, Any], returned: Returned
    ) -> Evaluation:
        """Evaluate a function of the file; whatever happens to the child is an error of the evaluation."""
        inputs = [*arguments, *options.values()]
        callbacks = [value for value in inputs if callable(value)]
        sent = pack([Callback(callbacks.index(v)) if callable(v) else v for v in inputs])
        try:
            if self._channel is None:
                self.load()
            assert self._channel is not None
            self._request += 1
            request = (self._request, function.__name__, sent, tuple(options), *returned)
            self._channel.send(pack(("call", *request)))
            return self._answer(self._channel, inputs, sent, callbacks)
        except (Closed, Garbled, Lost) as error:
            return Evaluation(inputs, error=Ended(self._epitaph(error)))

    def forget(self) -> None:
        """Forget the caches of the case that has ended."""
        if self._channel is not None and self._has_caches:
            self._has_caches = False
            with contextlib.suppress(Closed):  # the next call will find out, too, and say so
                self._channel.send(pack(("forget",)))

    def close(self) -> None:
        """End the child and remove its folder."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            with contextlib.suppress(Closed, Garbled):
                self._status = self.nursery.end(self.process)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> Channel:
        self._folder = tempfile.mkdtemp(prefix="claims-")
        self.process, end = self.nursery.fork(self._folder)
        self._channel = Channel(end, PATIENCE)
        self.notices = unpack(self._channel.receive(self._patience()))
        return self._channel

    def _answer(self, channel: Channel, inputs: list[Any], sent: bytes, callbacks: list[Function]) -> Evaluation:
        patience = self._patience()
        while True:
            answer = unpack(channel.receive(patience))
            match answer:
                case ("callback", self._request, int(number), tuple(given), dict(named)) if number < len(callbacks):
                    channel.send(pack(_called_back(callbacks[number], given, named)))
                case ("done", self._request, bytes(echo), result, list(views), list(warnings), error):
                    if channel.has_more:
                        raise Garbled("more frames than were asked for")
                    now = inputs if echo == sent else _as_sent(unpack(echo), inputs)
                    self._note_caches(result)
                    return Evaluation(
                        now,
                        result,
                        [view(each) for each in views],
                        list(map(str, warnings)),
                        error and raised(*error),
                    )
                case ("stale", self._request, str(message)):
                    raise StaleCache(message)
                case _:
                    raise Garbled("a frame that was not asked for")

    def _note_caches(self, result: Any) -> None:
        for value in result if isinstance(result, tuple) else (result,):
            if isinstance(value, Handle):
                self._next_cache = max(self._next_cache, value.number + 1)
                self._has_caches = True

    def _patience(self) -> Callable[[], None]:
        """Return what raises Lost once the child has computed, or said nothing, for too long."""
        start = time.monotonic()
        spent: list[float] = []  # looked up only for a call that lasts: looking costs as much as a short call

        def look() -> None:
            spent.append(_cpu(self.process))
            if spent[-1] - spent[0] > self.limits.cpu:
                raise Lost(f"it computed for more than {self.limits.cpu:g} s")
            if time.monotonic() - start > self.limits.wall:
                raise Lost(f"it gave no answer for {self.limits.wall:g} s")
            if time.monotonic() > self._deadline:
                raise Lost(f"it took more than {self.limits.whole:g} s in all")

        return look

    def _epitaph(self, error: Exception) -> str:
        """End the child and return what the implementation did to lose it."""
        self._status = 0
        self.close()
        if isinstance(error, Lost):
            self.limits.shorten()
            return str(error)
        if isinstance(error, Garbled):
            return "it wrote on the judge's channel"
        if self._status < 0:
            return f"it ended its process with {signal.Signals(-self._status).name}"
        return f"it ended its process with exit code {self._status}"


def source_of(path: Path, shown: str) -> str:
    """Return the text of a file; raise BadInput, which names it as shown, if it cannot be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except OSError as error:
        raise BadInput(f"{shown}: {error.strerror or error}") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise BadInput(f"{shown}:1: it is not text in its encoding ({error}); save it as UTF-8") from None


def _cpu(process: int) -> float:
    """Return the seconds that a process has computed for; where the system does not tell, 0."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - pathlib costs
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _called_back(function: Function, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, str]:
    try:
        return function(*arguments, **options), ""
    except Exception as error:  # noqa: BLE001 - it goes back to the caller, as an exception there
        return None, f"{type(error).__name__}: {error}"[:500]


def _as_sent(now: Any, inputs: list[Any]) -> list[Any]:
    """Return the inputs as they are now; a function that stayed here cannot have changed."""
    if not isinstance(now, list) or len(now) != len(inputs):
        raise Garbled("another number of inputs than were sent")
    return [was if isinstance(value, Callback) else value for was, value in zip(inputs, now, strict=True)]
