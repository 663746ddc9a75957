"""Our own archive: one zip that loses nothing."""
