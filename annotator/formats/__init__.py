"""Datasets in and out of other tools' formats; one folder per format, found by ``registry``."""
