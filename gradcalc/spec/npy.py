"""NumPy's .npy and .npz files, their headers judged before anything is allocated; never unpickled."""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from gradcalc.errors import InputError, listed, near, printable, quoted
from gradcalc.spec.limits import size_text

if TYPE_CHECKING:
    from typing import IO

_MAGIC = b"\x93NUMPY"
_HEADER_LIMIT = 4096  # NumPy itself writes 128 bytes for arrays of numbers
_DTYPE = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>=|]?[a-zA-Z][0-9]*)['"]""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([0-9,\sL]*)\)""")
_MOST_AXES = 32
_MOST_DIGITS = 18  # of one axis
#: The list of an archive's members may take this many bytes; NumPy writes some 50 for each array.
_DIRECTORY_LIMIT = 1_000_000
_END_RECORD = 22
_ARCHIVE_FAULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, IndexError, RuntimeError,
    OverflowError,
)  # fmt: skip


class TooManyError(InputError):
    """An array with more numbers than it can have, told by its header: nothing of it was unpacked."""

    def __init__(self, message: str, shape: tuple[int, ...]) -> None:
        super().__init__(message)
        self.shape = shape


class Room(NamedTuple):
    """How many numbers each array of an archive may have, and how many all of them together."""

    each: int
    together: int


class _Header(NamedTuple):
    """What a .npy header says: number type, shape, order, and where the numbers begin."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    offset: int

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.numbers * self.dtype.itemsize


def read_npy(stream: IO[bytes], size: int, shown: str, limit: int | Room) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The array of a .npy stream of `size` bytes, as float64; InputError where it is none or too large.

    `limit` is that of memory in bytes, or the room there is for numbers.
    """
    head = stream.read(_HEADER_LIMIT)
    header = _header(head, shown)
    if header.offset + header.bytes != size:
        has = f"{size - header.offset} bytes of numbers where its header says {header.bytes}"
        raise InputError(f"{shown} is damaged: it has {has}")
    if isinstance(limit, Room):
        _check_room(header, limit, shown)
    else:
        _check_memory(header, limit, shown)
    data = bytearray(header.bytes)
    data[: len(head) - header.offset] = head[header.offset :]
    _fill(stream, memoryview(data)[len(head) - header.offset :], shown)
    flat = np.frombuffer(data, header.dtype, header.numbers)
    with np.errstate(all="ignore"):  # a long double too large becomes inf, which is refused later
        return flat.reshape(header.shape, order="F" if header.fortran else "C").astype(np.float64, copy=False)


def _check_memory(header: _Header, limit: int, shown: str) -> None:
    needed = header.bytes + (0 if header.dtype == np.float64 else 8 * header.numbers)
    if needed > limit:
        numbers = " x ".join(map(str, header.shape))
        too_much = f"{size_text(needed)}: over the limit of {size_text(limit)}"
        raise InputError(f"{shown} holds {numbers} numbers, which need {too_much}", hint="--memory-limit raises it")


def _check_room(header: _Header, room: Room, shown: str) -> None:
    """Refuse more numbers than there can be."""
    numbers = " x ".join(map(str, header.shape))
    if header.numbers > room.each:
        raise TooManyError(f"{shown} holds {numbers} numbers, more than any quantity", header.shape)
    if header.numbers > room.together:
        raise InputError(f"{shown} holds {numbers} numbers, and the arrays before it as many as all quantities have")


def read_npz(stream: BinaryIO, key: str | None, shown: str, memory_limit: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One array of a .npz archive; `key` may be None where there is only one."""
    _check_directory(stream, shown)
    with _opened(stream, shown) as archive:
        member = _member(archive, key, shown)
        return _content(archive, _key_of(member), member, shown, memory_limit)


def read_all(stream: BinaryIO, shown: str, room: Room) -> dict[str, np.ndarray[Any, np.dtype[np.float64]] | InputError]:
    """Every array of a .npz archive by its key, or why it cannot be read. InputError where the archive is broken."""
    _check_directory(stream, shown)
    found: dict[str, np.ndarray[Any, np.dtype[np.float64]] | InputError] = {}
    with _opened(stream, shown) as archive:
        for key, member in _members(archive).items():
            try:
                array = _content(archive, key, member, shown, room)
            except InputError as error:
                found[key] = error
                continue
            found[key] = array
            room = room._replace(together=room.together - array.size)
    return found


def _opened(stream: BinaryIO, shown: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except _ARCHIVE_FAULTS as error:
        raise _damaged(error, shown) from None


def _damaged(error: Exception, shown: str) -> InputError:
    return InputError(f"{shown} is damaged: {printable(str(error)) or type(error).__name__}")


def _content(
    archive: zipfile.ZipFile, key: str, member: zipfile.ZipInfo, shown: str, limit: int | Room
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The array of one member."""
    _check_packing(member, key, shown)
    try:
        with archive.open(member) as content:
            return read_npy(content, member.file_size, f"{shown}[{printable(key[:40])}]", limit)
    except _ARCHIVE_FAULTS as error:
        raise _damaged(error, shown) from None


def _header(head: bytes, shown: str) -> _Header:
    """The header at the start of a .npy file; read by patterns, for a Python literal may be hostile."""
    if not head.startswith(_MAGIC):
        raise InputError(f"{shown} is not a .npy file", hint="numpy.save writes one")
    width = 2 if head[6:7] == b"\x01" else 4
    begin = 8 + width
    offset = begin + int.from_bytes(head[8:begin], "little")
    text = head[begin:offset].decode("latin-1")
    dtype, order, shape = (pattern.search(text) for pattern in (_DTYPE, _ORDER, _SHAPE))
    if offset > len(head) or not (dtype and order and shape):
        raise InputError(f"{shown} does not hold a plain array of numbers", hint="save one float array: numpy.save")
    return _Header(_number_type(dtype[1], shown), _axes(shape[1], shown), order[1] == "True", offset)


def _number_type(code: str, shown: str) -> np.dtype[Any]:
    kind = code.lstrip("<>=|")[0]
    if kind not in "fiub":
        what = {"O": "Python objects", "c": "complex numbers", "U": "text", "S": "text", "M": "dates"}.get(kind, "data")
        raise InputError(f"{shown} holds {what}, not real numbers", hint="save a float array")
    try:
        return np.dtype(code)
    except TypeError:
        raise InputError(f"{shown} holds numbers of an unknown type {quoted(code)}") from None


def _axes(text: str, shown: str) -> tuple[int, ...]:
    digits = [axis.strip().rstrip("L") for axis in text.split(",") if axis.strip()]
    if len(digits) > _MOST_AXES or any(not axis.isdigit() or len(axis) > _MOST_DIGITS for axis in digits):
        raise InputError(f"{shown} has a shape that no array has: ({printable(text[:40])})")
    return tuple(int(axis) for axis in digits)


def _fill(stream: IO[bytes], rest: memoryview, shown: str) -> None:
    """Read exactly `rest`, and no more."""
    done = 0
    while done < len(rest):
        piece = stream.read(min(len(rest) - done, 1 << 24))
        if not piece:
            raise InputError(f"{shown} is damaged: it ends too early")
        rest[done : done + len(piece)] = piece
        done += len(piece)


def _check_directory(stream: BinaryIO, shown: str) -> None:
    """Refuse an archive whose list of members is not small, before zipfile reads all of it into memory."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_RECORD - 20))
    tail = stream.read()
    end = tail[-_END_RECORD:]
    stream.seek(0)
    if end[:4] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise InputError(f"{shown} is not a .npz archive", hint="numpy.savez writes one")
    if tail[:4] == b"PK\x06\x07" or int.from_bytes(end[12:16], "little") > _DIRECTORY_LIMIT:
        raise InputError(f"{shown} holds too many arrays", hint="save those that are needed in a file of their own")


def _key_of(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _member(archive: zipfile.ZipFile, key: str | None, shown: str) -> zipfile.ZipInfo:
    """The member for `key`."""
    members = _members(archive)
    if key is None and len(members) == 1:
        key = next(iter(members))
    if key is None or key not in members:
        raise _no_such_key(list(members), key, shown)
    return members[key]


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    return {_key_of(member): member for member in archive.infolist() if member.filename.endswith(".npy")}


def _check_packing(member: zipfile.ZipInfo, key: str, shown: str) -> None:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
        raise InputError(f"{shown}: {quoted(key)} is packed in a way NumPy does not", hint="numpy.savez writes it anew")


def _no_such_key(known: list[str], key: str | None, shown: str) -> InputError:
    some = listed([printable(name[:40]) for name in known[:10]]) + (" ..." if len(known) > 10 else "")
    holds = f"it holds {some}" if known else "it holds no arrays"
    if key is None:
        return InputError(f"{shown} needs a key that says which array is meant", hint=holds)
    hint = near(key, known)
    message = f"{shown} has no array {quoted(key)}"
    return InputError(message, hint=f"{hint} {holds}" if hint else holds, path=("key",))
