"""Label Studio's brush: the RGBA picture of a mask, row by row, packed bit by bit as thi.ng/rle-pack does.

A stream starts with the number of values (32 bits), the size of a value less one (5 bits), and four sizes of run lengths less one
(4 bits each). Then come runs: one bit (1: one value repeated, 0: values one by one), two bits that choose the size of the length,
the length less one, and the value or values. A pixel is set where its fourth value, alpha, is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotator.domain.rle import BoolMask

_CHANNELS = 4
_SIZES = (3, 4, 8, 16)
_WORD = 8


class _Bits:
    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._bits = np.unpackbits(data)
        self._at = 0

    def read(self, count: int) -> int:
        value = 0
        for bit in self.take(count).tolist():
            value = value << 1 | bit
        return value

    def take(self, count: int) -> NDArray[np.uint8]:
        found = self._bits[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("the brush's data ends inside a run")
        self._at += count
        return found


def unpack(data: list[int], width: int, height: int) -> BoolMask:
    """The (height, width) mask; raises ``ValueError`` when the data is damaged or of another size."""
    if any(not 0 <= value < 256 for value in data):
        raise ValueError("the brush's data has values that are no bytes")
    bits = _Bits(np.asarray(data, dtype=np.uint8))
    count, word = bits.read(32), bits.read(5) + 1
    sizes = [bits.read(4) + 1 for _ in _SIZES]
    if count != width * height * _CHANNELS:
        raise ValueError(f"the brush's data has {count:,} values, expected {width} x {height} x {_CHANNELS}")
    weights = 1 << np.arange(word - 1, -1, -1, dtype=np.int64)
    values = np.zeros(count, dtype=bool)
    at = 0
    while at < count:
        repeated = bits.read(1)
        end = at + bits.read(sizes[bits.read(2)]) + 1
        if end > count:
            raise ValueError("the brush's data has a run that is too long")
        if repeated:
            values[at:end] = bits.read(word) != 0
        else:
            values[at:end] = bits.take((end - at) * word).reshape(-1, word) @ weights != 0
        at = end
    found: BoolMask = values.reshape(height, width, _CHANNELS)[:, :, _CHANNELS - 1]
    return found


def pack(mask: BoolMask) -> list[int]:
    """The data of a (height, width) mask, every run as one repeated value of 0 or 255."""
    flat = mask.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate(([0], edges)).tolist()
    stops = np.concatenate((edges, [flat.size])).tolist()
    words = [f"{flat.size * _CHANNELS:032b}", f"{_WORD - 1:05b}", *(f"{size - 1:04b}" for size in _SIZES)]
    for start, stop in zip(starts, stops, strict=True):
        value = "1" * _WORD if flat[start] else "0" * _WORD
        left = (stop - start) * _CHANNELS
        while left:
            length = min(left, 1 << _SIZES[-1])
            chosen = next(place for place, size in enumerate(_SIZES) if length <= 1 << size)
            words.append(f"1{chosen:02b}{length - 1:0{_SIZES[chosen]}b}{value}")
            left -= length
    text = "".join(words)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))
