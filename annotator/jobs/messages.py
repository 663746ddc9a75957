"""What the window's process and the engine say to each other: frozen messages in length-prefixed MessagePack.

Bump ``PROTOCOL`` whenever a message changes; the client refuses an engine of another protocol. A frame is a 4-byte big-endian
length and that many bytes; end of file means that the other side is gone.
"""

from __future__ import annotations

import struct
import threading
from typing import Any, BinaryIO, TypeAlias

import msgspec

from annotator.events import ChangeSet

PROTOCOL = 1
LARGEST_FRAME = 1 << 28
_LENGTH = struct.Struct(">I")


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Run a job. ``suspects`` were in hand when the engine died before; ``set_aside`` killed it twice and must not be touched."""

    job_id: int
    name: str
    parameters: dict[str, Any]
    suspects: tuple[int, ...] = ()
    set_aside: tuple[int, ...] = ()


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop the job at its next opportunity."""

    job_id: int


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The engine's first message."""

    protocol: int
    version: str
    pid: int


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far a job is; sent at most ten times a second."""

    job_id: int
    done: int
    total: int | None
    message: str


class Line(msgspec.Struct, frozen=True, tag="line"):
    """One line for the job's log."""

    job_id: int
    text: str


class Handling(msgspec.Struct, frozen=True, tag="handling"):
    """The images in hand, suspects when the pipe breaks. The first of these messages says that the job has begun."""

    job_id: int
    image_ids: tuple[int, ...]


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """A commit of the engine."""

    changes: ChangeSet


class Succeeded(msgspec.Struct, frozen=True, tag="succeeded"):
    """The job's result, encoded; the job's catalogue entry says which type it has."""

    job_id: int
    result: bytes


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The job raised. ``expected``: an ``AnnotatorError``; otherwise a bug, whose traceback is ``detail``."""

    job_id: int
    what: str
    cure: str
    expected: bool
    detail: str = ""


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """The job ended because it was cancelled."""

    job_id: int


ToEngine: TypeAlias = Start | Cancel
FromEngine: TypeAlias = Hello | Progress | Line | Handling | Changed | Succeeded | Failed | Stopped

_encoder = msgspec.msgpack.Encoder()
_to_engine: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)
_from_engine: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)


def encode_result(result: Any) -> bytes:
    """The bytes of a job's result (a frozen dataclass of plain values)."""
    return _encoder.encode(result)


def decode_result(data: bytes, kind: type[Any]) -> Any:
    """The result of type ``kind``; raises ``msgspec.ValidationError`` when the bytes are of another type."""
    return msgspec.msgpack.decode(data, type=kind)


class Channel:
    """Two pipe ends. ``send`` may be called from any thread; ``receive`` from one."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, decoder: msgspec.msgpack.Decoder[Any]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._decoder = decoder
        self._lock = threading.Lock()

    @classmethod
    def in_client(cls, incoming: BinaryIO, outgoing: BinaryIO) -> Channel:
        """The window's end."""
        return cls(incoming, outgoing, _from_engine)

    @classmethod
    def in_engine(cls, incoming: BinaryIO, outgoing: BinaryIO) -> Channel:
        """The engine's end."""
        return cls(incoming, outgoing, _to_engine)

    def send(self, message: msgspec.Struct) -> None:
        """Write one message; raises ``OSError`` or ``ValueError`` when the other side is gone."""
        data = _encoder.encode(message)
        with self._lock:
            self._outgoing.write(_LENGTH.pack(len(data)) + data)
            self._outgoing.flush()

    def receive(self) -> Any | None:
        """The next message, or None at the end of the pipe, a broken frame included."""
        header = self._exactly(_LENGTH.size)
        if header is None:
            return None
        (length,) = _LENGTH.unpack(header)
        if length > LARGEST_FRAME:
            return None
        data = self._exactly(length)
        return None if data is None else self._decoder.decode(data)

    def _exactly(self, count: int) -> bytes | None:
        try:
            data = self._incoming.read(count)
        except (OSError, ValueError):
            return None
        return data if data is not None and len(data) == count else None

    def close(self) -> None:
        """Close both ends."""
        for end in (self._outgoing, self._incoming):
            try:
                end.close()
            except OSError:
                # Flushing into a broken pipe: the other side is gone already, which is what closing is for.
                continue
