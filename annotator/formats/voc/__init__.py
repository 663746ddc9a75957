"""Pascal VOC: one XML per picture, boxes in whole pixels counted from 1. Specification: the VOC2012 development kit."""
