"""What travels between the judge and the child that evaluates: numbers, text, arrays; never pickle.

A frame is its length and one encoded value.  A value is a tag of one byte and what the tag says
follows.  Reading trusts nothing: a frame that is not of this form raises Garbled, whatever it holds,
and makes no object but the plain ones below.
"""

import struct
from typing import Any

import numpy as np

from claims.engine.evaluation import Foreign, Handle

LARGEST = 1 << 28  # bytes in a frame: more than any claim sends
_DEEPEST = 32
_DTYPES = {
    np.dtype(code): code.encode() for code in ("?", "b", "B", "h", "H", "i", "I", "q", "Q", "e", "f", "d", "F", "D")
}
_CODES = {code: dtype for dtype, code in _DTYPES.items()}
_LENGTH = struct.Struct("<q")
_FLOAT = struct.Struct("<d")
_BITS = {name: getattr(np.random, name) for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")}


class Garbled(Exception):
    """What came over the wire is not a frame of ours."""


class Callback:
    """Stands for a function that stays where it is and is called from the other side."""

    def __init__(self, number: int) -> None:
        self.number = number


def pack(value: Any) -> bytes:
    """Return a value as bytes."""
    parts: list[bytes] = []
    _pack(value, parts.append, 0)
    return b"".join(parts)


def _pack(value: Any, put: Any, depth: int) -> None:  # noqa: C901, PLR0912 - one branch a tag
    kind = type(value)
    if isinstance(value, np.ndarray) and value.dtype in _DTYPES:
        put(b"a" + _DTYPES[value.dtype] + bytes((value.ndim,)))
        put(struct.pack(f"<{value.ndim}q", *value.shape))
        put(value.tobytes())
    elif kind is float:
        put(b"f" + _FLOAT.pack(value))
    elif value is None:
        put(b"n")
    elif kind is bool:
        put(b"t" if value else b"u")
    elif kind is int:
        _text(b"i", str(value) if abs(value) < 1 << 64 else hex(value), put)
    elif kind is str:
        _text(b"s", value, put)
    elif kind is bytes:
        put(b"b" + _LENGTH.pack(len(value)))
        put(value)
    elif kind in (tuple, list, dict) and depth < _DEEPEST:
        put((b"(" if kind is tuple else b"[" if kind is list else b"{") + _LENGTH.pack(len(value)))
        for item in value if kind is not dict else (part for pair in value.items() for part in pair):
            _pack(item, put, depth + 1)
    elif isinstance(value, np.generic) and value.dtype in _DTYPES:
        put(b"g" + _DTYPES[value.dtype] + value.tobytes())
    elif kind is Handle:
        put(b"h" + _LENGTH.pack(value.number))
    elif kind is Callback:
        put(b"c" + _LENGTH.pack(value.number))
    elif kind is np.random.Generator and type(value.bit_generator).__name__ in _BITS:
        put(b"r")
        _pack(_stream(value), put, depth + 1)
    else:
        _text(b"o", _kind(value), put)


def _text(tag: bytes, text: str, put: Any) -> None:
    data = text.encode("utf-8", "backslashreplace")
    put(tag + _LENGTH.pack(len(data)))
    put(data)


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array of {value.dtype}"
    return getattr(type(value), "__name__", "object")[:80]


def _stream(rng: np.random.Generator) -> tuple[Any, ...]:
    """Return what makes an equal generator: its kind, its state, and what it spawns from."""
    bits = rng.bit_generator
    source = bits.seed_seq
    spawns = None
    if isinstance(source, np.random.SeedSequence):
        entropy = source.entropy
        plain = entropy if entropy is None or isinstance(entropy, int) else [int(word) for word in entropy]
        spawns = (plain, tuple(map(int, source.spawn_key)), source.pool_size, source.n_children_spawned)
    return type(bits).__name__, dict(bits.state), spawns


def unpack(data: bytes | memoryview) -> Any:
    """Return the value that bytes hold; raise Garbled if they hold no value, or more than one."""
    reader = _Reader(memoryview(data))
    try:
        value = reader.value(0)
    except Garbled:
        raise
    except (ValueError, TypeError, OverflowError, MemoryError, KeyError, struct.error) as error:
        raise Garbled(f"a frame that is none: {type(error).__name__}") from None
    if reader.at != len(reader.data):
        raise Garbled("a frame with something behind its value")
    return value


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> memoryview:
        if not 0 <= size <= len(self.data) - self.at:
            raise Garbled("a frame that ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def length(self) -> int:
        return int(_LENGTH.unpack(self.take(8))[0])

    def text(self) -> str:
        return str(self.take(self.length()), "utf-8", "replace")

    def items(self, depth: int, each: int = 1) -> list[Any]:
        length = self.length() * each
        if not 0 <= length <= len(self.data) - self.at:  # an item takes a byte at least
            raise Garbled("a frame that ends too early")
        return [self.value(depth + 1) for _ in range(length)]

    def value(self, depth: int) -> Any:  # noqa: C901, PLR0911, PLR0912 - one branch a tag
        if depth > _DEEPEST:
            raise Garbled("a frame that is too deep")
        tag = bytes(self.take(1))
        if tag == b"a":
            return self.array()
        if tag == b"f":
            return _FLOAT.unpack(self.take(8))[0]
        if tag == b"n":
            return None
        if tag in b"tu":
            return tag == b"t"
        if tag == b"i":
            return int(self.text(), 0)
        if tag == b"s":
            return self.text()
        if tag == b"b":
            return bytes(self.take(self.length()))
        if tag == b"(":
            return tuple(self.items(depth))
        if tag == b"[":
            return self.items(depth)
        if tag == b"{":
            flat = self.items(depth, 2)
            return dict(zip(flat[::2], flat[1::2], strict=True))
        if tag == b"g":
            dtype = _CODES[bytes(self.take(1))]
            return np.frombuffer(self.take(dtype.itemsize), dtype)[0]
        if tag == b"h":
            return Handle(self.length())
        if tag == b"c":
            return Callback(self.length())
        if tag == b"r":
            return _generator(*self.value(depth + 1))
        if tag == b"o":
            return Foreign(self.text())
        raise Garbled(f"a frame with the unknown tag {tag!r}")

    def array(self) -> np.ndarray[Any, Any]:
        dtype = _CODES[bytes(self.take(1))]
        ndim = self.take(1)[0]
        shape = struct.unpack(f"<{ndim}q", self.take(8 * ndim))
        if any(size < 0 for size in shape):
            raise Garbled("an array with a negative size")
        size = dtype.itemsize
        for extent in shape:
            size *= extent
        return np.frombuffer(bytearray(self.take(size)), dtype).reshape(shape)


def _generator(name: str, state: dict[str, Any], spawns: tuple[Any, ...] | None) -> np.random.Generator:
    seed: Any = 0
    if spawns is not None:
        entropy, key, pool, children = spawns
        seed = np.random.SeedSequence(entropy, spawn_key=key, pool_size=pool, n_children_spawned=children)
    bits = _BITS[name](seed)
    bits.state = state
    return np.random.Generator(bits)
