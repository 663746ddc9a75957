"""What stands around the canvas: the queue, labels, suggestions, annotations, attributes, the image strip and the jobs bar."""
