"""What in the labels looks wrong, and why."""
