"""How pictures get to a device: through pinned memory to CUDA, plainly elsewhere."""

from __future__ import annotations

from typing import Any

from annotator.models.device import Device, DeviceKind, sent


class Tensor:
    """Stands for a torch tensor and writes down what was asked of it."""

    def __init__(self, *asked: Any) -> None:
        self.asked = asked

    def pin_memory(self) -> Tensor:
        return Tensor(*self.asked, "pinned")

    def to(self, name: str, **wanted: Any) -> Tensor:
        return Tensor(*self.asked, name, wanted)


def test_batches_go_to_cuda_from_pinned_memory_without_waiting() -> None:
    cuda = Device(DeviceKind.CUDA, "cuda:1", "A GPU")
    assert sent(Tensor(), cuda, dtype="half").asked == ("pinned", "cuda:1", {"non_blocking": True, "dtype": "half"})


def test_elsewhere_nothing_is_pinned() -> None:
    cpu = Device(DeviceKind.CPU, "cpu", "CPU")
    assert sent(Tensor(), cpu).asked == ("cpu", {})
