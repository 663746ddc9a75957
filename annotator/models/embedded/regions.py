"""What a picture consists of, without weights: pieces of even colour that meet at edges, as a ``RegionProposer``.

Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004, by scikit-image.
"""

from __future__ import annotations

import cv2
import numpy as np
from skimage.segmentation import felzenszwalb

from annotator.models.pixels import check_image
from annotator.models.protocols import FloatArray, Regions, RGBImage

WORKING_SIDE = 384
# Larger pieces are preferred; see the paper.
SCALE = 300
SMOOTHING = 0.8
# Of the working image's pixels.
LEAST_SHARE = 0.004
# Half the score is reached where the outline's contrast equals this many grey levels.
HALF_CONTRAST = 12.0


class GraphRegions:
    """``RegionProposer`` of pieces that do not overlap and together cover the picture."""

    def regions(self, image: RGBImage) -> Regions:
        """The pieces, those with the clearest outline first. Raises ValueError for what is no RGB image."""
        check_image(image)
        height, width = image.shape[:2]
        scale = min(1.0, WORKING_SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        least = max(1, round(LEAST_SHARE * small.shape[0] * small.shape[1]))
        pieces = felzenszwalb(small, scale=SCALE, sigma=SMOOTHING, min_size=least).astype(np.uint16)
        scores = _outline_scores(small.astype(np.uint8), pieces)
        fine = cv2.resize(pieces, (width, height), interpolation=cv2.INTER_NEAREST)
        boxes, masks, kept = [], [], []
        for piece in np.argsort(-scores, kind="stable").tolist():
            plane = fine == piece
            rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
            if not len(rows):
                continue
            y1, y2, x1, x2 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
            boxes.append((x1, y1, x2, y2))
            masks.append(plane[y1:y2, x1:x2])
            kept.append(scores[piece])
        return Regions(np.array(boxes, np.float32).reshape(-1, 4), tuple(masks), np.array(kept, np.float32))


def _outline_scores(image: RGBImage, pieces: np.ndarray) -> FloatArray:
    """(n,) how clear each piece's outline is, from 0 to 1: the mean colour step across its borders with others."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    count = int(pieces.max()) + 1
    steps, lengths = np.zeros(count), np.zeros(count)
    for axis in (0, 1):
        difference = np.sqrt(np.square(np.diff(lab, axis=axis)).sum(2))
        one, other = (pieces[:-1], pieces[1:]) if axis == 0 else (pieces[:, :-1], pieces[:, 1:])
        border = one != other
        for side in (one[border], other[border]):
            steps += np.bincount(side, difference[border], count)
            lengths += np.bincount(side, minlength=count)
    contrast = steps / np.maximum(lengths, 1)
    scores: FloatArray = (contrast / (contrast + HALF_CONTRAST)).astype(np.float32)
    return scores
