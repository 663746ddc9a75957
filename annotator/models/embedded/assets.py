"""Where the files of the embedded models lie, and whether they are whole.

``embedded.sha256`` beside them, in the form that ``sha256sum -c`` reads, says what each file must be; the build scripts write it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import resources
from annotator.errors import ModelError, install_again

MODELS_FOLDER = Path(resources.__file__).parent / "models"
LITE0_FILE = MODELS_FOLDER / "efficientnet_lite0.onnx"
MINILM_FILE = MODELS_FOLDER / "minilm_l6_v2.onnx"
TOKENIZER_FILE = MODELS_FOLDER / "minilm_l6_v2.tokenizer.json"
BRIDGE_FILE = MODELS_FOLDER / "imagenet_bridge.safetensors"
DECODER_FILE = MODELS_FOLDER / "prompt_decoder.safetensors"
COMMERCIAL_DECODER_FILE = MODELS_FOLDER / "prompt_decoder_commercial.safetensors"
DECODER_GRAPH = MODELS_FOLDER / "prompt_decoder.onnx"
MANIFEST_NAME = "embedded.sha256"

REINSTALL = install_again(force=True)


def read_asset(path: Path) -> tuple[bytes, str]:
    """The content of a model file and its SHA-256 in hex.

    Raises ModelError when the file is missing, or is not the one that the manifest beside it lists.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read ({error.strerror or error}).", REINSTALL, path=path
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    expected = read_manifest(path.parent).get(path.name)
    if expected is not None and expected != digest:
        raise ModelError(
            f"The model file {path} is damaged ({len(content):,} bytes, not the ones that were shipped).",
            REINSTALL,
            path=path,
        )
    return content, digest


def read_manifest(folder: Path) -> dict[str, str]:
    """File name → SHA-256 of the files listed in ``folder``; empty when there is no list."""
    try:
        lines = (folder / MANIFEST_NAME).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return {}
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines if line.strip())}


def write_asset(path: Path, content: bytes) -> str:
    """Write a file made by a build script, enter it in the manifest, and return its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    entries = {**read_manifest(path.parent), path.name: digest}
    text = "".join(f"{entries[name]}  {name}\n" for name in sorted(entries))
    (path.parent / MANIFEST_NAME).write_text(text, encoding="ascii")
    return digest


def open_session(
    path: Path,
    *,
    threads: int | None,
    device: str,
    outputs: set[str],
    tensors: Mapping[str, NDArray[Any]] | None = None,
) -> tuple[Any, str]:
    """An ONNX Runtime session of a model file, and the SHA-256 of the file.

    ``threads`` None takes what ``device.cpu_threads`` finds. ``outputs`` must be among those of the model. ``tensors``
    by name stand in for weights that the file declares as external data.
    Raises ModelError when the file is missing, damaged or another model.
    """
    import onnxruntime

    from annotator.models.device import cpu_threads, onnx_providers

    content, digest = read_asset(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cpu_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin between calls would take the core that the window paints on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = onnx_providers(device)
    try:
        if tensors is not None:
            values = [onnxruntime.OrtValue.ortvalue_from_numpy(tensor) for tensor in tensors.values()]
            options.add_external_initializers(list(tensors), values)
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a bad file
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"The model file {path} is not one ONNX Runtime can run ({first_line}).", REINSTALL, path=path
        ) from error
    missing = outputs - {output.name for output in session.get_outputs()}
    if missing:
        raise ModelError(
            f"The model file {path} is another model: it has no output {', '.join(sorted(missing))}.",
            REINSTALL,
            path=path,
        )
    return session, digest
