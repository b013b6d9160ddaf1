"""Frames over a socket: eight bytes of length, then one encoded value."""

import socket
import struct
from collections.abc import Callable

from claims.judge.wire import LARGEST, Garbled

_LENGTH = struct.Struct("<q")
PATIENCE = 0.25  # seconds between two looks at how the other side spends its time


class Closed(Exception):
    """The other side is gone."""


class Channel:
    """One end of a stream of frames."""

    def __init__(self, end: socket.socket, patience: float | None = None) -> None:
        if patience is not None:  # the kernel's own limit: Python's would ask for readiness before every call
            whole, part = divmod(round(patience * 1e6), 1_000_000)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", whole, part))
        self._end = end
        self._read = bytearray()

    def send(self, frame: bytes) -> None:
        """Send a frame; raise Closed if nobody is there to read it."""
        try:
            self._end.sendall(_LENGTH.pack(len(frame)) + frame)
        except OSError as error:
            raise Closed(str(error)) from None

    def receive(self, give_up: Callable[[], None] | None = None) -> bytes:
        """Return the next frame; call `give_up`, which may raise, now and then while there is none.

        Raises Closed at the end of the stream, Garbled if what comes cannot be a frame.
        """
        self._fill(_LENGTH.size, give_up)
        (length,) = _LENGTH.unpack_from(self._read)
        if not 0 <= length <= LARGEST:
            raise Garbled(f"a frame of {length} bytes")
        whole = _LENGTH.size + length
        self._fill(whole, give_up)
        frame = bytes(self._read[_LENGTH.size : whole])
        del self._read[:whole]
        return frame

    @property
    def has_more(self) -> bool:
        """Whether something came behind the last frame, which nobody has asked for."""
        return bool(self._read)

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _fill(self, size: int, give_up: Callable[[], None] | None) -> None:
        while len(self._read) < size:
            try:
                part = self._end.recv(1 << 16)
            except BlockingIOError:  # nothing came for so long
                if give_up:
                    give_up()
                continue
            except OSError as error:
                raise Closed(str(error)) from None
            if not part:
                raise Closed("the end of the stream")
            self._read += part
            if give_up and len(self._read) < size:  # bytes that come one by one do not buy time
                give_up()
