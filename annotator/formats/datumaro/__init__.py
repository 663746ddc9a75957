"""Datumaro JSON: annotations/SUBSET.json and images/SUBSET/. Specification: the Datumaro format of Datumaro's documentation."""
