"""The ``annotator`` command, and ``python -m annotator``.

Nothing is imported before ``main`` runs: Ctrl+C in the first second, while the commands are still being imported, ends with one
line like any other.
"""

import sys


def main() -> None:
    """The console script."""
    try:
        from annotator.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Nothing was begun.\n")
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
