"""The prompt decoder as a torch module, and its training on cached features. For ``train_decoder`` only: needs torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from annotator.models.embedded.crops import CROP_SIDE, GRID_SIDE, PROMPT_CHANNELS, Window, network_input, prompt_maps
from annotator.models.embedded.decoder_data import Sample
from annotator.models.embedded.decoder_scores import error_click
from annotator.models.embedded.encoder import FEATURE_CHANNELS, EmbeddedImageEncoder
from annotator.models.protocols import FloatArray

WIDTH = 64
FINE_WIDTH = 32
NORM_GROUPS = 8
DILATIONS = (1, 2, 4)
STRIDES = (4, 8, 16, 32)
# The second learns most from what it does better than the first; their mean is what is used.
OUTPUTS = 2
EPSILON = 0.05
PROMPT_GAIN = 3.0

BATCH = 8
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
WARM_UP = 50
AVERAGING = 0.995
BOX_DROPPED = 0.2
CLICK_LOSS = 5.0
ROUNDS = (0, 1, 2, 3)
ROUND_SHARES = (0.35, 0.3, 0.2, 0.15)
# How much the second output learns from samples on which it is the worse one; and how often a click goes on from it.
LOSER_SHARE = 0.1
SECOND_CHOSEN = 0.2
# Samples of the encoder at a time.
ENCODE_BATCH = 8


class Block(nn.Module):  # type: ignore[misc]
    """Dilated convolution, group norm and a global pooling branch, added to the input."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.norm = nn.GroupNorm(NORM_GROUPS, width)
        self.pool = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(x.mean((2, 3)))[:, :, None, None]
        return x + functional.relu(self.norm(self.conv(x)) + pooled)


def likeness(x: Tensor, prompts: Tensor) -> Tensor:
    """How like each cell is to what the prompts cover: (n, 5, h, w) cosines.

    In order: the box, positive clicks, negative clicks, the last mask, all around the box.

    ``x`` (n, c, h, w), ``prompts`` (n, 4, 2h, 2w). Zero for a prompt that is not there.
    """
    centred = x - x.mean((2, 3), keepdim=True)
    unit = centred / (centred.norm(dim=1, keepdim=True) + EPSILON)
    box = prompts[:, :1]
    masks = torch.cat([prompts, box.amax((2, 3), keepdim=True) - box], 1)
    places = functional.avg_pool2d(masks, 2).flatten(2)
    cells = unit.flatten(2)
    sums = places @ cells.transpose(1, 2) / (places.sum(2, keepdim=True) + EPSILON)
    return (sums @ cells).reshape(x.shape[0], PROMPT_CHANNELS + 1, x.shape[2], x.shape[3])


class DecoderNetwork(nn.Module):  # type: ignore[misc]
    """Feature maps at strides 4 to 32 of a 256 × 256 crop and (n, 4, 64, 64) prompts → (n, 2, 64, 64) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral8 = nn.Conv2d(FEATURE_CHANNELS[8], WIDTH, 1)
        self.lateral16 = nn.Conv2d(FEATURE_CHANNELS[16], WIDTH, 1, bias=False)
        self.lateral32 = nn.Conv2d(FEATURE_CHANNELS[32], WIDTH, 1, bias=False)
        self.prompt = nn.Conv2d(PROMPT_CHANNELS, WIDTH, 3, stride=2, padding=1, bias=False)
        self.like = nn.Conv2d(PROMPT_CHANNELS + 1, WIDTH, 1, bias=False)
        self.blocks = nn.ModuleList(Block(WIDTH, dilation) for dilation in DILATIONS)
        self.reduce = nn.Conv2d(WIDTH, FINE_WIDTH, 1)
        self.fine = nn.Conv2d(FINE_WIDTH + FEATURE_CHANNELS[4] + PROMPT_CHANNELS, FINE_WIDTH, 3, padding=1)
        self.fine_norm = nn.GroupNorm(NORM_GROUPS, FINE_WIDTH)
        self.finer = nn.Conv2d(FINE_WIDTH, FINE_WIDTH, 3, padding=1)
        self.out = nn.Conv2d(FINE_WIDTH, OUTPUTS, 1)

    def forward(self, s4: Tensor, s8: Tensor, s16: Tensor, s32: Tensor, prompts: Tensor) -> Tensor:
        x = self.lateral8(s8)
        x = x + functional.interpolate(self.lateral16(s16), scale_factor=2.0, mode="bilinear", align_corners=False)
        x = x + functional.interpolate(self.lateral32(s32), scale_factor=4.0, mode="bilinear", align_corners=False)
        x = x + self.prompt(prompts) + self.like(likeness(x, prompts))
        for block in self.blocks:
            x = block(x)
        up = functional.interpolate(self.reduce(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        fine = functional.relu(self.fine_norm(self.fine(torch.cat([up, s4, prompts], 1))))
        logits: Tensor = self.out(functional.relu(self.finer(fine)))
        return logits


@dataclass(frozen=True)
class Features:
    """Cached maps of all samples: stride → (n, c, h, w) float16 on disk, and each channel's standard deviation.

    ``digest`` tells the crops and the encoder that they came of.
    """

    maps: dict[int, NDArray[np.float16]]
    spread: dict[int, FloatArray]
    digest: str = ""


def cache_features(samples: Sequence[Sample], encoder: EmbeddedImageEncoder, folder: Path) -> Features:
    """Encode all crops once into memory-mapped files in ``folder``; files made of the same crops are taken as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = {s: (len(samples), FEATURE_CHANNELS[s], CROP_SIDE // s, CROP_SIDE // s) for s in STRIDES}
    digest = hashlib.blake2b(encoder.info.version.encode(), digest_size=16)
    for sample in samples:
        digest.update(sample.pixels.tobytes())
    done = folder / "done.txt"
    if not done.exists() or done.read_text(encoding="ascii") != digest.hexdigest():
        done.unlink(missing_ok=True)
        writable = {
            s: np.lib.format.open_memmap(str(folder / f"s{s}.npy"), "w+", np.float16, shape)
            for s, shape in shapes.items()
        }
        for start in range(0, len(samples), ENCODE_BATCH):
            chunk = samples[start : start + ENCODE_BATCH]
            batch = np.stack([network_input(sample.pixels) for sample in chunk])
            for stride, values in encoder.feature_maps(batch, STRIDES).items():
                writable[stride][start : start + len(chunk)] = values
        for array in writable.values():
            array.flush()
        done.write_text(digest.hexdigest(), encoding="ascii")
    maps = {s: np.load(folder / f"s{s}.npy", mmap_mode="r") for s in STRIDES}
    rows = slice(0, None, max(1, len(samples) // 200))
    spread = {s: values[rows].astype(np.float32).std((0, 2, 3)) + np.float32(1e-3) for s, values in maps.items()}
    return Features(maps, spread, digest.hexdigest())


def train(
    samples: Sequence[Sample],
    features: Features,
    rows: NDArray[np.int64],
    *,
    steps: int,
    seed: int,
    weights: FloatArray | None = None,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> dict[str, FloatArray]:
    """Train on the samples in ``rows``, drawn with ``weights``; the averaged weights as float32 arrays by name.

    2 · BCE (× 5 at the clicks) + Dice; up to three simulated corrective clicks, without gradient until the last. The second
    output learns most from samples on which it beats the first.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    network = DecoderNetwork().to(memory_format=torch.channels_last)
    _scale_inputs(network, features.spread)
    averaged = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1.0, (s + 1) / WARM_UP) * (0.5 + 0.5 * np.cos(np.pi * s / steps)) + 1e-3
    )
    shares = None if weights is None else weights.astype(np.float64) / weights.sum(dtype=np.float64)
    running = 0.0
    for step in range(steps):
        chosen = generator.choice(rows, BATCH, p=shares)
        loss = _step(network, [samples[i] for i in chosen], _gather(features, chosen), generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        keep = min(AVERAGING, (step + 1) / (step + 10))
        for name, value in network.state_dict().items():
            averaged[name].lerp_(value, 1 - keep)
        running += (float(loss.detach()) - running) * max(0.02, 1 / (step + 1))
        if (step + 1) % 100 == 0:
            report(step + 1, running)
    return {name: value.contiguous().numpy().astype(np.float32) for name, value in averaged.items()}


def _scale_inputs(network: DecoderNetwork, spread: dict[int, FloatArray]) -> None:
    """Start as if each input channel had unit spread, and with prompts that weigh as much as features."""
    with torch.no_grad():
        network.prompt.weight *= PROMPT_GAIN
        network.like.weight *= PROMPT_GAIN
        for stride in (8, 16, 32):
            layer = getattr(network, f"lateral{stride}")
            layer.weight /= torch.from_numpy(spread[stride])[None, :, None, None]
        network.fine.weight[:, FINE_WIDTH : FINE_WIDTH + FEATURE_CHANNELS[4]] /= torch.from_numpy(spread[4])[
            None, :, None, None
        ]


def _gather(features: Features, rows: NDArray[np.int64]) -> list[Tensor]:
    return [
        torch.from_numpy(features.maps[s][rows]).to(torch.bfloat16, memory_format=torch.channels_last) for s in STRIDES
    ]


def _step(network: DecoderNetwork, batch: list[Sample], maps: list[Tensor], generator: np.random.Generator) -> Tensor:
    """The loss of one batch after a random number of simulated clicks."""
    window = Window(0, 0, GRID_SIDE)
    truths = np.stack([sample.mask for sample in batch])
    boxes = [sample.box if sample.box is not None and generator.random() >= BOX_DROPPED else None for sample in batch]
    clicks: list[list[tuple[float, float, bool]]] = [[] for _ in batch]
    for index, box in enumerate(boxes):
        if box is None:
            clicks[index].append(error_click(truths[index], np.zeros_like(truths[index]), generator))
    previous = np.zeros_like(truths)
    rounds = int(generator.choice(ROUNDS, p=ROUND_SHARES))
    for turn in range(rounds + 1):
        prompts = np.stack(
            [
                prompt_maps(
                    window,
                    boxes[i],
                    np.array([(x, y) for x, y, _ in clicks[i]], np.float32).reshape(-1, 2),
                    np.array([positive for *_, positive in clicks[i]], np.bool_),
                    previous[i],
                )
                for i in range(len(batch))
            ]
        )
        given = torch.from_numpy(prompts).contiguous(memory_format=torch.channels_last)
        with torch.set_grad_enabled(turn == rounds), torch.autocast("cpu", torch.bfloat16):
            logits = network(*maps, given).float()
        if turn < rounds:
            seconds = generator.random(len(batch)) < SECOND_CHOSEN
            previous = torch.sigmoid(logits).numpy()[np.arange(len(batch)), seconds.astype(int)]
            for index in range(len(batch)):
                clicks[index].append(error_click(truths[index], previous[index], generator))
    truth = torch.from_numpy(truths)
    emphasis = 1 + (CLICK_LOSS - 1) * given[:, 1:3].amax(1)
    first, second = (_losses(logits[:, output], truth, emphasis) for output in range(OUTPUTS))
    share = torch.where(second < first, 1.0, LOSER_SHARE)
    return first.mean() + (share * second).mean()


def _losses(logits: Tensor, truth: Tensor, emphasis: Tensor) -> Tensor:
    """The loss (n,) of each sample from (n, h, w) logits."""
    cross = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none") * emphasis
    probability = torch.sigmoid(logits)
    overlap = (probability * truth).sum((1, 2))
    dice = 1 - (2 * overlap + 1) / (probability.sum((1, 2)) + truth.sum((1, 2)) + 1)
    return 2 * cross.mean((1, 2)) + dice
