"""Names of pictures in Label Studio's tasks: uploads, local files, buckets and addresses, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from annotator.formats.names import clean_name
from annotator.formats.peek import is_image_name

_PREFERRED = ("image", "img", "ocr", "url", "photo")
_UPLOAD = re.compile(r"^/?data/upload/(?:\d+/)?")
_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")
LOCAL = "/data/local-files/?d="


def picture_key(data: Mapping[str, Any]) -> str:
    """The key of a task's data under which its picture stands, empty when there is none."""
    texts = [key for key, value in data.items() if isinstance(value, str) and value]
    for key in _PREFERRED:
        if key in texts:
            return key
    return next((key for key in texts if is_image_name(picture_name(data[key]))), "")


def picture_name(written: str) -> str:
    """The picture's path: below the root of local files, without host or bucket; an upload's own name."""
    if "local-files/?d=" in written or "local-files?d=" in written:
        found = parse_qs(urlsplit(written).query, keep_blank_values=True).get("d", [""])[0]
        return clean_name(found)
    if _UPLOAD.match(written):
        return clean_name(_PREFIX.sub("", unquote(_UPLOAD.sub("", written))))
    if re.match(r"^[a-z][a-z0-9+.-]*://", written):
        return clean_name(unquote(urlsplit(written).path))
    return clean_name(written)


def upload_name(written: str) -> str:
    """The name of an upload with the letters that make it one of its kind."""
    return PurePosixPath(clean_name(unquote(written))).name


def local_address(name: str) -> str:
    """Where Label Studio finds a file of this name below the root of its local files."""
    return LOCAL + quote(name)
