"""The embedding store survives torn writes, and indexing survives bad pictures and cancellation."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from annotator.errors import ImageError, JobCancelled, ModelError, StoreError
from annotator.job_context import QuietContext
from annotator.learning.features import EmbeddingStore, index_images
from annotator.models.protocols import FloatArray, ModelInfo, RGBImage


def rows(ids: Sequence[int], width: int) -> FloatArray:
    return np.asarray([[image_id + column / 4 for column in range(width)] for image_id in ids], dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "space", "toy/1", 3, 2)


def test_rows_come_back_in_the_order_asked_for(store: EmbeddingStore) -> None:
    store.append(np.array([7, 3]), rows([7, 3], 3), rows([7, 3], 2))
    store.append(np.array([5]), rows([5], 3), rows([5], 2))
    assert store.have(np.array([3, 4, 5])).tolist() == [True, False, True]
    np.testing.assert_array_equal(store.get(np.array([5, 7, 5])), rows([5, 7, 5], 3))
    np.testing.assert_array_equal(store.get_logits(np.array([3, 5])), rows([3, 5], 2))
    assert store.ids.tolist() == [3, 5, 7]
    with pytest.raises(KeyError, match="4"):
        store.get(np.array([3, 4]))


def test_a_row_that_is_written_again_shadows_the_old_one(store: EmbeddingStore) -> None:
    store.append(np.array([1, 2]), rows([1, 2], 3), rows([1, 2], 2))
    store.append(np.array([1]), rows([9], 3), rows([9], 2))
    assert len(store) == 2
    np.testing.assert_array_equal(store.get(np.array([1, 2])), rows([9, 2], 3))
    again = EmbeddingStore(store.folder, "toy/1", 3, 2)
    np.testing.assert_array_equal(again.get(np.array([1, 2])), rows([9, 2], 3))


@pytest.mark.parametrize("file", ["vectors.f16", "logits.f16", "index.bin"])
@pytest.mark.parametrize("tail", ["torn", "zeros", "cut"])
def test_a_torn_tail_is_ignored_and_overwritten(store: EmbeddingStore, file: str, tail: str) -> None:
    store.append(np.array([1, 2]), rows([1, 2], 3), rows([1, 2], 2))
    path = store.folder / file
    data = path.read_bytes()
    path.write_bytes({"torn": data + b"\x01\x02\x03", "zeros": data + bytes(64), "cut": data[:-1]}[tail])
    reopened = EmbeddingStore(store.folder, "toy/1", 3, 2)
    assert reopened.ids.tolist() == ([1] if tail == "cut" else [1, 2])
    reopened.append(np.array([2, 8]), rows([2, 8], 3), rows([2, 8], 2))
    for fresh in (reopened, EmbeddingStore(store.folder, "toy/1", 3, 2)):
        assert fresh.ids.tolist() == [1, 2, 8]
        np.testing.assert_array_equal(fresh.get(np.array([1, 2, 8])), rows([1, 2, 8], 3))
        np.testing.assert_array_equal(fresh.get_logits(np.array([1, 2, 8])), rows([1, 2, 8], 2))


def test_a_reader_sees_rows_as_they_are_written(store: EmbeddingStore) -> None:
    reader = EmbeddingStore(store.folder, "toy/1", 3, 2, read_only=True)
    assert not reader.have(np.array([1])).any()
    store.append(np.array([1]), rows([1], 3), rows([1], 2))
    np.testing.assert_array_equal(reader.get(np.array([1])), rows([1], 3))
    store.append(np.array([2]), rows([2], 3), rows([2], 2))
    np.testing.assert_array_equal(reader.get(np.array([2, 1])), rows([2, 1], 3))
    with pytest.raises(PermissionError):
        reader.append(np.array([3]), rows([3], 3), rows([3], 2))


def test_another_space_is_refused(store: EmbeddingStore) -> None:
    with pytest.raises(ModelError, match="toy/2"):
        EmbeddingStore(store.folder, "toy/2", 3, 2)
    with pytest.raises(ModelError):
        EmbeddingStore(store.folder, "toy/1", 4, 2)
    (store.folder / "space.json").write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        EmbeddingStore(store.folder, "toy/1", 3, 2)


def test_values_that_are_not_numbers_or_do_not_fit_are_refused(store: EmbeddingStore) -> None:
    with pytest.raises(ValueError, match="finite"):
        store.append(np.array([1]), np.full((1, 3), np.nan, np.float32), rows([1], 2))
    with pytest.raises(ValueError, match="expected"):
        store.append(np.array([1]), rows([1], 2), rows([1], 2))
    store.append(np.array([1]), np.full((1, 3), 1e9, np.float32), rows([1], 2))
    assert np.isfinite(store.get(np.array([1]))).all()


def test_a_disk_that_refuses_gives_one_line(store: EmbeddingStore) -> None:
    (store.folder / "vectors.f16").mkdir()
    with pytest.raises(StoreError, match=r"vectors\.f16"):
        store.append(np.array([1]), rows([1], 3), rows([1], 2))


class Toy:
    """An embedder whose vector is the picture's first pixel."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.batches: list[int] = []

    info = ModelInfo("toy", "1", "cpu", "toy/1")
    dimension = 3
    input_size = 4

    def embed(self, images: Sequence[RGBImage]) -> FloatArray:
        self.batches.append(len(images))
        return np.stack([image[0, 0].astype(np.float32) for image in images])

    def embed_with_logits(self, images: Sequence[RGBImage]) -> tuple[FloatArray, FloatArray]:
        vectors = self.embed(images)
        return vectors, -vectors[:, :2]


def paint(path: Path) -> RGBImage:
    if path.name == "bad":
        raise ImageError("truncated")
    if path.name == "gone":
        raise FileNotFoundError(2, "No such file", str(path))
    return np.full((4, 4, 3), int(path.name), dtype=np.uint8)


def test_indexing_skips_bad_pictures_and_what_is_there(store: EmbeddingStore) -> None:
    store.append(np.array([4]), rows([4], 3), rows([4], 2))
    names = ["10", "bad", "12", "13", "14", "gone", "16"]
    items = [(image_id, Path(name)) for image_id, name in enumerate(names)]
    toy = Toy()
    result = index_images(toy, items, store, decode=paint, batch_size=2, commit_rows=2)
    assert (result.indexed, result.present) == (4, 1)
    assert [image_id for image_id, _ in result.bad] == [1, 5]
    assert "truncated" in result.bad[0][1]
    np.testing.assert_array_equal(store.get(np.array([0, 2, 3, 6]))[:, 0], [10, 12, 13, 16])
    np.testing.assert_array_equal(store.get_logits(np.array([6]))[0], [-16, -16])
    assert toy.batches == [2, 2]


def test_the_next_pictures_are_decoded_while_the_model_works(store: EmbeddingStore) -> None:
    """The model waits for a picture of the next batch: without overlap it would wait for ever."""
    decoded = [threading.Event() for _ in range(6)]

    def decode(path: Path) -> RGBImage:
        decoded[int(path.name)].set()
        return paint(path)

    class Waiting(Toy):
        def embed(self, images: Sequence[RGBImage]) -> FloatArray:
            following = min(2 * len(self.batches) + 2, 5)
            assert decoded[following].wait(60)
            return super().embed(images)

    items = [(image_id, Path(str(image_id))) for image_id in range(6)]
    assert index_images(Waiting(), items, store, decode=decode, batch_size=2).indexed == 6


class StopAfter(QuietContext):
    def __init__(self, checks: int) -> None:
        self.left = checks

    def check_cancelled(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise JobCancelled


def test_a_cancelled_job_keeps_its_work_and_resumes(store: EmbeddingStore) -> None:
    items = [(image_id, Path(str(image_id))) for image_id in range(20)]
    with pytest.raises(JobCancelled):
        index_images(Toy(), items, store, decode=paint, batch_size=4, commit_rows=8, context=StopAfter(13))
    assert store.ids.tolist() == list(range(12))
    toy = Toy()
    assert index_images(toy, items, store, decode=paint, batch_size=4).indexed == 8
    assert sum(toy.batches) == 8
    np.testing.assert_array_equal(store.get(np.arange(20))[:, 0], np.arange(20))


def test_rows_that_the_disk_has_spoilt_are_named(store: EmbeddingStore) -> None:
    store.append(np.array([1, 2]), rows([1, 2], 3), rows([1, 2], 2))
    file = store.folder / "vectors.f16"
    file.write_bytes(file.read_bytes()[:6] + b"\xff" * 6)
    assert store.get(np.array([1])).shape == (1, 3)
    with pytest.raises(ModelError, match=r"vectors\.f16 is damaged. Delete"):
        store.get(np.array([1, 2]))
