"""ImageNet folders: the folder of a picture is its label; train/, val/ (or validation/), test/ above it are splits."""
