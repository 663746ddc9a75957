"""YOLO detect and segment: a text file per image, numbers relative to its size. Specification: docs.ultralytics.com."""
