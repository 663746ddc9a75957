"""COCO: instances, keypoints, captions, whole-image labels and results lists. Specification: cocodataset.org/#format-data."""
