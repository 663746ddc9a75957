"""Undoable changes to annotations, labels and verdicts, as data."""
