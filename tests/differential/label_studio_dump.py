"""Runs inside an environment that has label-studio-converter, never in ours: what Label Studio's own converter makes of tasks.

``python label_studio_dump.py TASKS CONFIG FOLDER`` writes ``FOLDER/min/result.json`` (JSON_MIN), ``FOLDER/coco/result.json``, and
``FOLDER/masks.json``: for each brush of the tasks its set pixels as the converter decodes them, and the mask as it encodes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from label_studio_converter import Converter
from label_studio_converter.brush import decode_rle, mask2rle


def main() -> None:
    """See the module."""
    tasks, config, target = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8"), Path(sys.argv[3])
    converter = Converter(config, project_dir=None, download_resources=False)
    converter.convert_to_json_min(str(tasks), str(target / "min"), is_dir=False)
    converter.convert_to_coco(str(tasks), str(target / "coco"), is_dir=False)
    masks = []
    for task in json.loads(tasks.read_text(encoding="utf-8")):
        for one in (result for annotation in task["annotations"] for result in annotation["result"]):
            if one["type"] == "brushlabels":
                height, width = one["original_height"], one["original_width"]
                shown = np.asarray(decode_rle(one["value"]["rle"])).reshape(height, width, 4)[:, :, 3]
                masks.append({"pixels": np.flatnonzero(shown).tolist(), "again": mask2rle(shown.astype(np.uint8))})
    (target / "masks.json").write_text(json.dumps(masks))


main()
