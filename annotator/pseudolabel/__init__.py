"""From models to suggestions: suggest, fuse, refine, calibrate, certify."""
