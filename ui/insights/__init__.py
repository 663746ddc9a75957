"""The Insights screen: plots of how the work goes and how far the machine can be believed, each with its numbers."""
