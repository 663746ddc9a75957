"""Batches, devices and the square a network sees."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from annotator.errors import ModelError, UsageError
from annotator.models import device
from annotator.models.batching import BatchSizer, stack
from annotator.models.pixels import centre_square, preprocess


class Memory:
    """A function over batches that runs out of memory above ``limit`` items."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.sizes: list[int] = []
        self.released = 0

    def __call__(self, batch: Sequence[int]) -> np.ndarray:
        self.sizes.append(len(batch))
        if len(batch) > self.limit:
            raise MemoryError
        return np.array(batch, dtype=np.float32)[:, None]

    def release(self) -> None:
        self.released += 1

    def sizer(self, start: int, limit: int) -> BatchSizer:
        return BatchSizer(
            start=start, limit=limit, is_out_of_memory=lambda e: isinstance(e, MemoryError), release=self.release
        )


class TestBatchSizer:
    def test_doubles_to_the_limit_and_keeps_it(self) -> None:
        memory = Memory(1000)
        sizer = memory.sizer(4, 16)
        assert stack(sizer.run(range(50), memory), 1)[:, 0].tolist() == list(range(50))
        assert memory.sizes == [4, 8, 16, 16, 6]
        assert sizer.size == 16

    def test_halves_when_memory_is_short_and_goes_on_there(self) -> None:
        memory = Memory(5)
        sizer = memory.sizer(4, 64)
        assert stack(sizer.run(range(30), memory), 1)[:, 0].tolist() == list(range(30))
        assert memory.sizes == [4, 8, *[4] * 6, 2]
        assert memory.released == 1
        assert sizer.size == 4

    def test_one_item_too_large(self) -> None:
        memory = Memory(0)
        with pytest.raises(ModelError, match="even with one image"):
            memory.sizer(4, 64).run(range(9), memory)
        assert memory.sizes == [4, 2, 1]

    def test_other_errors_pass(self) -> None:
        def broken(_batch: Sequence[int]) -> np.ndarray:
            raise RuntimeError("a bug")

        with pytest.raises(RuntimeError, match="a bug"):
            Memory(9).sizer(4, 8).run(range(9), broken)

    def test_nothing(self) -> None:
        assert stack(Memory(9).sizer(4, 8).run([], Memory(9)), 7).shape == (0, 7)


class TestPixels:
    @pytest.mark.parametrize(("height", "width"), [(300, 200), (200, 300), (97, 97), (1, 1), (1, 5000), (448, 449)])
    def test_is_the_centre_of_the_image(self, height: int, width: int) -> None:
        image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        square = centre_square(image, 32)
        assert square.shape == (32, 32, 3) and square.dtype == np.uint8
        crop = image[top : top + short, left : left + short].astype(np.float64)
        assert np.abs(square.reshape(-1, 3).mean(axis=0) - crop.reshape(-1, 3).mean(axis=0)).max() < (
            2 if short > 32 else 12
        )

    def test_shrinks_by_area(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        expected = image.reshape(32, 2, 32, 2, 3).astype(np.float64).mean(axis=(1, 3))
        assert np.abs(centre_square(image, 32) - expected).max() <= 1

    def test_preprocess_scales_and_turns_to_channels_first(self) -> None:
        image = np.zeros((40, 40, 3), dtype=np.uint8)
        image[..., 0], image[..., 2] = 255, 127
        batch = preprocess([image, image[:10]], 16)
        assert batch.shape == (2, 3, 16, 16) and batch.dtype == np.float32
        np.testing.assert_array_equal(batch[0, :, 5, 5], np.array([1, -127 / 128, 0], dtype=np.float32))

    def test_equals_opencv_on_the_crop(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (301, 512, 3), dtype=np.uint8)
        expected = cv2.resize(image[:, 105:406], (224, 224), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(centre_square(image, 224), expected)


class TestDevice:
    def test_the_cpu_on_request(self) -> None:
        chosen = device.choose("cpu")
        assert (chosen.kind, chosen.name) == (device.DeviceKind.CPU, "cpu")
        assert not chosen.half_precision and "CPU" in chosen.label

    def test_auto_takes_what_is_there(self) -> None:
        torch = pytest.importorskip("torch")
        chosen = device.choose("auto")
        if torch.cuda.is_available():
            assert chosen.name == "cuda:0" and chosen.half_precision and chosen.memory > 0
        elif torch.backends.mps.is_available():
            assert chosen.name == "mps"
        else:
            assert chosen.name == "cpu"

    def test_cuda_that_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        torch = pytest.importorskip("torch")
        card = type("Card", (), {"name": "Big", "total_memory": 80 * 2**30})
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _index: card)
        assert device.choose("cuda:1") == device.Device(
            device.DeviceKind.CUDA, "cuda:1", "CUDA, Big, 80 GiB", 80 * 2**30
        )
        assert device.choose().name == "cuda:0"
        with pytest.raises(ModelError, match="cuda:2 is not available"):
            device.choose("cuda:2")

    @pytest.mark.parametrize("wanted", ["gpu", "cpu:1", "cuda:x", "", "mps:0"])
    def test_names_that_are_no_device(self, wanted: str) -> None:
        with pytest.raises(UsageError, match="not a device"):
            device.choose(wanted)

    def test_a_device_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        torch = pytest.importorskip("torch")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        for wanted in ("cuda", "mps"):
            with pytest.raises(ModelError, match="not available") as raised:
                device.choose(wanted)
            assert "--device" in raised.value.cure
        assert device.choose("auto").name == "cpu"

    def test_onnx_runtime(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import onnxruntime

        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
        assert device.onnx_providers() == ["CPUExecutionProvider"]
        with pytest.raises(ModelError, match="no CUDA"):
            device.onnx_providers("cuda")
        with pytest.raises(UsageError, match="not a device"):
            device.onnx_providers("gpu")
        monkeypatch.setattr(
            onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
        )
        assert device.onnx_providers()[0] == "CUDAExecutionProvider"
        assert device.onnx_providers("cpu") == ["CPUExecutionProvider"]

    def test_threads_follow_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert device.cpu_threads() == 3
        for value in ("", "0", "many"):
            monkeypatch.setenv("OMP_NUM_THREADS", value)
            assert device.cpu_threads() >= 1
