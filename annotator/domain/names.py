"""Names of labels as every database, file and list can hold them."""

from __future__ import annotations

from annotator.errors import UsageError


def is_storable(text: str) -> bool:
    """Whether ``text`` is Unicode without NUL; lone surrogates come from bytes that are not UTF-8 and from damaged JSON."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def label_name(text: str) -> str:
    """The name that a person typed: white space, line breaks too, becomes single blanks, none at the ends.

    Raises ``UsageError`` for a name that cannot be stored. May return an empty string.
    """
    if not is_storable(text):
        shown = text.encode("unicode_escape").decode("ascii")
        raise UsageError(f'The label "{shown}" is not text.', "Type its name in letters.")
    return " ".join(text.split())
