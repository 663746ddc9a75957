"""The head as a torch module, and its losses. Only training imports this; ``head`` runs the result without torch.

A feature pyramid of strides 8, 16 and 32 summed at stride 8, two convolutions, then for each cell the heat of every class and
the distances to the four sides of the box around it. Losses: TTFNet (Liu et al. 2020), GIoU (Rezatofighi et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from annotator.learning.detection.head import FEATURES, NORM_GROUPS, UNIT, WIDTH

BIAS = -4.0
FOCUS, EASING = 2.0, 4.0
SMALLEST = 1e-4
BOX_WEIGHT = 5.0


class Network(nn.Module):  # type: ignore[misc]
    """Maps s8, s16, s32 (n, c, h, w), scaled to unit spread → heat logits (n, classes, h8, w8), sides (n, 4, h8, w8)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.lateral8 = nn.Conv2d(FEATURES[8], WIDTH, 1)
        self.lateral16 = nn.Conv2d(FEATURES[16], WIDTH, 1, bias=False)
        self.lateral32 = nn.Conv2d(FEATURES[32], WIDTH, 1, bias=False)
        self.conv1 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(NORM_GROUPS, WIDTH)
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(NORM_GROUPS, WIDTH)
        self.heat = nn.Conv2d(WIDTH, classes, 1)
        self.sides = nn.Conv2d(WIDTH, 4, 1)
        nn.init.constant_(self.heat.bias, BIAS)
        nn.init.normal_(self.heat.weight, std=0.01)
        nn.init.normal_(self.sides.weight, std=0.01)

    def forward(self, s8: Tensor, s16: Tensor, s32: Tensor) -> tuple[Tensor, Tensor]:
        x = self.lateral8(s8)
        for source, lateral in ((s16, self.lateral16), (s32, self.lateral32)):
            x = x + functional.interpolate(lateral(source), size=x.shape[2:], mode="bilinear", align_corners=False)
        x = functional.relu(self.norm1(self.conv1(x)))
        x = functional.relu(self.norm2(self.conv2(x)))
        return self.heat(x), torch.exp(self.sides(x).clamp(-4, 4)) * UNIT


def heat_loss(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Focal loss that is lenient around the middles of objects, per object.

    ``target`` (n, classes, h, w) in [0, 1]; cells where ``known`` (n, 1, h, w) is 0 do not count.
    """
    likely = torch.sigmoid(logits).clamp(SMALLEST, 1 - SMALLEST)
    middle = target.eq(1)
    hit = -torch.log(likely) * (1 - likely) ** FOCUS * middle
    miss = -torch.log(1 - likely) * likely**FOCUS * (1 - target) ** EASING * ~middle * known
    return (hit.sum() + miss.sum()) / middle.sum().clamp(min=1)


def box_loss(sides: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 − GIoU of the boxes (n, 4, h, w) that the cells span, averaged by ``weight`` (n, h, w)."""
    chosen = weight > 0
    if not bool(chosen.any()):
        return sides.sum() * 0
    said = sides.permute(0, 2, 3, 1)[chosen]
    true = target.permute(0, 2, 3, 1)[chosen]
    mass = weight[chosen]
    least, most = torch.minimum(said, true), torch.maximum(said, true)
    both = ((least[:, 0] + least[:, 2]) * (least[:, 1] + least[:, 3])).clamp(min=0)
    area = (said[:, 0] + said[:, 2]) * (said[:, 1] + said[:, 3])
    either = area + (true[:, 0] + true[:, 2]) * (true[:, 1] + true[:, 3]) - both
    hull = (most[:, 0] + most[:, 2]) * (most[:, 1] + most[:, 3])
    giou = both / either.clamp(min=1e-6) - (hull - either) / hull.clamp(min=1e-6)
    return ((1 - giou) * mass).sum() / mass.sum()
