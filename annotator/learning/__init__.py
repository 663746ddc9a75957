"""Heads on frozen features, the queue, metrics: pure functions on arrays."""
