"""Labelme JSON: one file per picture, beside it. Specification: the file format described in labelme's documentation."""
