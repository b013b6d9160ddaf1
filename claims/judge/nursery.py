"""The process that confined children are forked from, as the judge sees it."""

import os
import socket
import subprocess
import sys

from claims.engine.declare import ROOT
from claims.judge.channel import Channel
from claims.judge.wire import pack, unpack

_START = """
import socket, sys
sys.path.insert(0, sys.argv[1])
from claims.judge.child import nursery
nursery(socket.socket(fileno=int(sys.argv[2])))
"""


class Nursery:
    """A process that has NumPy in memory and forks confined children from itself in a moment."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, str(ROOT), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **one_thread},
            )
        self._control, self._channel = ours, Channel(ours)

    def fork(self, folder: str) -> tuple[int, socket.socket]:
        """Return a confined child's process id and our end of its channel."""
        if self._process.poll() is not None:  # where a child may send it signals, it may not live long
            self.close()
            self._begin()
        ours, theirs = socket.socketpair()
        with theirs:
            self._channel.send(pack(("fork", folder)))
            self._channel.receive()
            socket.send_fds(self._control, [b"x"], [theirs.fileno()])
            return unpack(self._channel.receive()), ours

    def end(self, process: int) -> int:
        """End a child with all it left behind; return how it had ended: its exit code, or minus a signal."""
        self._channel.send(pack(("end", process)))
        return int(unpack(self._channel.receive()))

    @property
    def process(self) -> int:
        """The process id."""
        return self._process.pid

    def close(self) -> None:
        """End the nursery."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
