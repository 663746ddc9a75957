"""CVAT XML 1.1, for images and for video. Specification: the page "XML annotation format" of CVAT's manual."""
