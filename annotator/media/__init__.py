"""Pictures from files: decoding, orientation, scanning, thumbnails."""
