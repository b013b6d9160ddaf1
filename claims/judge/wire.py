"""What travels between the judge and the child that evaluates: numbers, text, arrays; never pickle.

A frame is its length and one encoded value.  A value is a tag of one byte and what the tag says
follows.  Reading trusts nothing: a frame that is not of this form raises Garbled, whatever it holds,
and makes no object but the plain ones below.
"""

import struct
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from claims.engine.evaluation import Foreign, Handle
from claims.toolbox.disguises import OneBuffer, SaltedName

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
    elif kind is SaltedName:
        put(b"S" + _LENGTH.pack(value.salt))
        _pack(str(value), put, depth + 1)
    elif kind is OneBuffer:
        put(b"B")
        _pack(value.batches, put, depth + 1)
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


def _generator(name: str, state: dict[str, Any], spawns: tuple[Any, ...] | None) -> np.random.Generator:
    seed: Any = 0
    if spawns is not None:
        entropy, key, pool, children = spawns
        seed = np.random.SeedSequence(entropy, spawn_key=key, pool_size=pool, n_children_spawned=children)
    bits = _BITS[name](seed)
    bits.state = state
    return np.random.Generator(bits)


def unpack(data: bytes) -> Any:
    """Return the value that bytes hold; raise Garbled if they hold no value, or more than one."""
    try:
        value, end = _read(data, 0, 0)
    except Garbled:
        raise
    except (ValueError, TypeError, OverflowError, MemoryError, LookupError, struct.error) as error:
        raise Garbled(f"a frame that is none: {type(error).__name__}") from None
    if end != len(data):
        raise Garbled("a frame with something behind its value")
    return value


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the value that begins at a place, and the place behind it."""
    if depth > _DEEPEST:
        raise Garbled("a frame that is too deep")
    return _READERS[data[at]](data, at + 1, depth)


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Return where that lies whose length stands at a place: from, to."""
    (length,) = _LENGTH.unpack_from(data, at)
    if not 0 <= length <= len(data) - at - 8:
        raise Garbled("a frame that ends too early")
    return at + 8, at + 8 + length


def _read_text(data: bytes, at: int, _: int) -> tuple[str, int]:
    start, end = _extent(data, at)
    return str(data[start:end], "utf-8", "replace"), end


def _read_int(data: bytes, at: int, depth: int) -> tuple[int, int]:
    text, end = _read_text(data, at, depth)
    return int(text, 0), end


def _read_bytes(data: bytes, at: int, _: int) -> tuple[bytes, int]:
    start, end = _extent(data, at)
    return data[start:end], end


def _read_foreign(data: bytes, at: int, depth: int) -> tuple[Foreign, int]:
    text, end = _read_text(data, at, depth)
    return Foreign(text), end


def _read_float(data: bytes, at: int, _: int) -> tuple[float, int]:
    return _FLOAT.unpack_from(data, at)[0], at + 8


def _read_list(data: bytes, at: int, depth: int, each: int = 1) -> tuple[list[Any], int]:
    (length,) = _LENGTH.unpack_from(data, at)
    if not 0 <= length * each <= len(data) - at:  # an item takes a byte at least
        raise Garbled("a frame that ends too early")
    at += 8
    items = []
    for _ in range(length * each):
        item, at = _read(data, at, depth + 1)
        items.append(item)
    return items, at


def _read_tuple(data: bytes, at: int, depth: int) -> tuple[tuple[Any, ...], int]:
    items, at = _read_list(data, at, depth)
    return tuple(items), at


def _read_dict(data: bytes, at: int, depth: int) -> tuple[dict[Any, Any], int]:
    flat, at = _read_list(data, at, depth, 2)
    return dict(zip(flat[::2], flat[1::2], strict=True)), at


def _read_array(data: bytes, at: int, _: int) -> tuple[np.ndarray[Any, Any], int]:
    dtype, ndim = _CODES[data[at : at + 1]], data[at + 1]
    shape = struct.unpack_from(f"<{ndim}q", data, at + 2)
    if any(extent < 0 for extent in shape):
        raise Garbled("an array with a negative size")
    start = at + 2 + 8 * ndim
    count = prod(shape)
    end = start + count * dtype.itemsize
    if end > len(data):
        raise Garbled("a frame that ends too early")
    # A copy: it may be written to, and outlives the frame.
    return np.frombuffer(data, dtype, count, start).reshape(shape).copy() if count else np.empty(shape, dtype), end


def _read_scalar(data: bytes, at: int, _: int) -> tuple[Any, int]:
    dtype = _CODES[data[at : at + 1]]
    return np.frombuffer(data, dtype, 1, at + 1)[0], at + 1 + dtype.itemsize


def _read_handle(data: bytes, at: int, _: int) -> tuple[Handle, int]:
    return Handle(_LENGTH.unpack_from(data, at)[0]), at + 8


def _read_callback(data: bytes, at: int, _: int) -> tuple[Callback, int]:
    return Callback(_LENGTH.unpack_from(data, at)[0]), at + 8


def _read_salted(data: bytes, at: int, depth: int) -> tuple[SaltedName, int]:
    (salt,) = _LENGTH.unpack_from(data, at)
    text, end = _read(data, at + 8, depth + 1)
    return SaltedName(text, salt), end


def _read_buffer(data: bytes, at: int, depth: int) -> tuple[OneBuffer, int]:
    batches, end = _read(data, at, depth + 1)
    return OneBuffer(batches), end


def _read_generator(data: bytes, at: int, depth: int) -> tuple[np.random.Generator, int]:
    stream, at = _read(data, at, depth + 1)
    return _generator(*stream), at


_READERS: dict[int, Callable[[bytes, int, int], tuple[Any, int]]] = {
    ord("a"): _read_array,
    ord("f"): _read_float,
    ord("i"): _read_int,
    ord("s"): _read_text,
    ord("b"): _read_bytes,
    ord("("): _read_tuple,
    ord("["): _read_list,
    ord("{"): _read_dict,
    ord("g"): _read_scalar,
    ord("h"): _read_handle,
    ord("c"): _read_callback,
    ord("r"): _read_generator,
    ord("S"): _read_salted,
    ord("B"): _read_buffer,
    ord("o"): _read_foreign,
    ord("n"): lambda _, at, __: (None, at),
    ord("t"): lambda _, at, __: (True, at),
    ord("u"): lambda _, at, __: (False, at),
}
