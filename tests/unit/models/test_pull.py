"""Downloads against a local server that can break off, lie, refuse and ignore ranges."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from annotator.errors import JobCancelled, ModelError, UsageError
from annotator.job_context import QuietContext
from annotator.models import catalogue, pull
from annotator.models.catalogue import Weights

CONTENT = bytes(range(256)) * 20_000  # 5 MB: several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(HTTPServer):
    """Serves CONTENT; ``break_after`` cuts each answer to that many bytes, ``ranges`` False ignores Range."""

    break_after: int | None = None
    ranges = True
    status = 200
    content = CONTENT

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        content, start = self.server.content, 0
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        with contextlib.suppress(ConnectionError):  # a client that cancels is gone
            self.wfile.write(body if self.server.break_after is None else body[: self.server.break_after])

    def log_message(self, format: str, *arguments: object) -> None:
        return None


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "PAUSE_SECONDS", 0.0)


def weights(server: Server) -> Weights:
    return Weights("model.bin", f"http://127.0.0.1:{server.server_port}/model.bin", SHA256, len(CONTENT))


class Recorder(QuietContext):
    """Keeps the progress; cancels once ``cancel_at`` bytes are there."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.seen: list[tuple[int, int | None]] = []
        self.cancel_at = cancel_at

    def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        self.seen.append((done, total))

    def check_cancelled(self) -> None:
        if self.cancel_at is not None and self.seen and self.seen[-1][0] >= self.cancel_at:
            raise JobCancelled


def test_downloads_into_place(server: Server, tmp_path: Path) -> None:
    context = Recorder()
    path = pull.fetch(weights(server), tmp_path / "new" / "folder", context)
    assert path == tmp_path / "new" / "folder" / "model.bin"
    assert path.read_bytes() == CONTENT
    assert [item.name for item in path.parent.iterdir()] == ["model.bin"]
    assert context.seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in context.seen] == sorted(done for done, _ in context.seen)


def test_a_file_that_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(CONTENT)
    pull.fetch(weights(server), tmp_path)
    assert server.asked == []


def test_another_file_in_its_place_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"other")
    with pytest.raises(ModelError, match="not the published file"):
        pull.fetch(weights(server), tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == b"other"


def test_resumes_what_was_cancelled(server: Server, tmp_path: Path) -> None:
    with pytest.raises(JobCancelled):
        pull.fetch(weights(server), tmp_path, Recorder(cancel_at=pull.CHUNK))
    assert not (tmp_path / "model.bin").exists()
    have = (tmp_path / "model.bin.part").stat().st_size
    assert have == pull.CHUNK
    pull.fetch(weights(server), tmp_path)
    assert server.asked == [None, f"bytes={have}-"]
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


def test_goes_on_after_broken_connections(server: Server, tmp_path: Path) -> None:
    server.break_after = 2_000_000
    assert pull.fetch(weights(server), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=2000000-", "bytes=4000000-"]


def test_gives_up_on_a_connection_that_always_breaks_and_keeps_what_came(server: Server, tmp_path: Path) -> None:
    server.break_after = 1000
    with pytest.raises(ModelError, match=f"broke off at {1000 * pull.ATTEMPTS:,} bytes") as raised:
        pull.fetch(weights(server), tmp_path)
    assert "goes on" in raised.value.cure
    assert (tmp_path / "model.bin.part").read_bytes() == CONTENT[: 1000 * pull.ATTEMPTS]
    assert not (tmp_path / "model.bin").exists()


def test_starts_over_when_the_server_ignores_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "model.bin.part").write_bytes(b"x" * 7_000_000)
    assert pull.fetch(weights(server), tmp_path).read_bytes() == CONTENT


def test_a_whole_part_file_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.bin.part").write_bytes(CONTENT)
    assert pull.fetch(weights(server), tmp_path).read_bytes() == CONTENT


def test_a_part_file_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.bin.part").write_bytes(CONTENT + b"more")
    assert pull.fetch(weights(server), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("change", ["server", "part"])
def test_wrong_content_never_reaches_its_place(server: Server, tmp_path: Path, change: str) -> None:
    if change == "server":
        server.content = CONTENT[:-1] + b"!"
    else:
        (tmp_path / "model.bin.part").write_bytes(b"!" + CONTENT[1:1000])
    with pytest.raises(ModelError, match="SHA-256"):
        pull.fetch(weights(server), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [404, 403, 500])
def test_refusals_name_the_address_and_the_place(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(ModelError, match=rf"model\.bin cannot be fetched \({status}") as raised:
        pull.fetch(weights(server), tmp_path)
    assert str(tmp_path / "model.bin") in raised.value.cure
    assert "\n" not in str(raised.value)
    assert len(server.asked) == (pull.ATTEMPTS if status >= 500 else 1), (
        "only a server's own trouble is worth another try"
    )


def test_no_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be fetched"):
        pull.fetch(Weights("model.bin", "http://127.0.0.1:9/model.bin", SHA256), tmp_path)


def test_only_the_web(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    with pytest.raises(ModelError, match="not a web address"):
        pull.fetch(Weights("model.bin", (tmp_path / "secret").as_uri(), SHA256), tmp_path)


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be written") as raised:
        pull.fetch(weights(server), tmp_path / "file")
    assert "ANNOTATOR_MODELS" in raised.value.cure


def test_a_full_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": 10})())
    with pytest.raises(ModelError, match="cannot be written") as raised:
        pull.fetch(weights(server), tmp_path)
    assert "space" in raised.value.cure


def test_by_id_into_the_models_folder(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.Entry("mine", "Mine", (), "MIT", "x:y", weights=weights(server))
    monkeypatch.setattr(pull, "find", lambda _id: entry)
    monkeypatch.setenv("ANNOTATOR_MODELS", str(tmp_path / "models"))
    assert pull.pull("mine") == tmp_path / "models" / "model.bin"


@pytest.mark.parametrize("model_id", ["embedded", "open_clip"])
def test_models_without_weights_to_pull(model_id: str) -> None:
    with pytest.raises(UsageError, match="no weights to pull"):
        pull.pull(model_id)
