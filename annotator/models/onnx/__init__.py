"""Detectors and segmenters as ONNX files, each described by a small TOML card."""
