"""Where models run: CUDA, Apple's MPS or the CPU, chosen once and told in words."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from annotator.errors import ModelError, UsageError, install_again


class DeviceKind(StrEnum):
    """What torch calls the device."""

    CUDA = "cuda"
    MPS = "mps"
    CPU = "cpu"


CHOICES = ("auto", *DeviceKind)


@dataclass(frozen=True, slots=True)
class Device:
    """A device to run on. ``name`` is torch's ("cuda:0"), ``label`` the one for people, ``memory`` bytes (0: not known)."""

    kind: DeviceKind
    name: str
    label: str
    memory: int = 0

    @property
    def half_precision(self) -> bool:
        """Whether float16 and channels-last pay here."""
        return self.kind is DeviceKind.CUDA


def sent(batch: Any, device: Device, **wanted: Any) -> Any:
    """A torch tensor on the device, ``wanted`` as for its ``to``.

    To CUDA it goes from pinned memory and nobody waits for it: the next pictures are decoded meanwhile.
    """
    if device.kind is DeviceKind.CUDA:
        return batch.pin_memory().to(device.name, non_blocking=True, **wanted)
    return batch.to(device.name, **wanted)


def cpu_threads() -> int:
    """Threads a model may use: OMP_NUM_THREADS if it is set to a number, else the CPUs this process may run on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose(wanted: str = "auto") -> Device:
    """The device for torch models: the one that is wanted ("cuda", "cuda:1", "mps", "cpu"), or for "auto" the fastest present.

    Imports torch unless the answer is the CPU by request. Raises UsageError for a name that is no device, ModelError
    when the device is not there.
    """
    kind, _, index = wanted.partition(":")
    if kind not in CHOICES or (index and (kind != DeviceKind.CUDA or not index.isdigit())):
        raise UsageError(f"{wanted!r} is not a device.", f"Choose one of {', '.join(CHOICES)}.")
    if kind == DeviceKind.CPU or importlib.util.find_spec("torch") is None:
        if kind not in ("auto", DeviceKind.CPU):
            raise ModelError(f"The device {wanted} needs torch, which is not installed.", install_again("torch"))
        return Device(DeviceKind.CPU, "cpu", f"CPU, {cpu_threads()} threads")
    import torch

    if kind in ("auto", DeviceKind.CUDA) and torch.cuda.is_available():
        number = int(index or 0)
        if number < torch.cuda.device_count():
            properties = torch.cuda.get_device_properties(number)
            label = f"CUDA, {properties.name}, {properties.total_memory / 2**30:.0f} GiB"
            return Device(DeviceKind.CUDA, f"cuda:{number}", label, int(properties.total_memory))
    if kind in ("auto", DeviceKind.MPS) and torch.backends.mps.is_available():
        return Device(DeviceKind.MPS, "mps", "Apple GPU (MPS)")
    if kind != "auto":
        raise ModelError(f"The device {wanted} is not available on this machine.", "Use --device auto or --device cpu.")
    return Device(DeviceKind.CPU, "cpu", f"CPU, {cpu_threads()} threads")


def onnx_providers(wanted: str = "auto") -> list[str]:
    """ONNX Runtime's execution providers for a wish; "auto" takes CUDA where the installed runtime has it.

    Raises UsageError for a name that is no device, ModelError when CUDA is wanted and this runtime has none.
    """
    import onnxruntime

    kind = wanted.partition(":")[0]
    if kind not in CHOICES:
        raise UsageError(f"{wanted!r} is not a device.", f"Choose one of {', '.join(CHOICES)}.")
    cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if kind == DeviceKind.CUDA and not cuda:
        raise ModelError(
            "The installed ONNX Runtime has no CUDA.", "Use --device cpu, or run: pip install onnxruntime-gpu"
        )
    if cuda and kind in ("auto", DeviceKind.CUDA):
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]
