"""Masks as PNG pictures of label numbers."""
