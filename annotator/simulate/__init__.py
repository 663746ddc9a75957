"""The loop with a simulated annotator, for figures on held-out images."""
