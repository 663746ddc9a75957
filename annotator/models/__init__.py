"""Models behind capability-sized protocols; one folder per backend."""
