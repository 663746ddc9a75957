"""What is said of a round of training that changed nothing, in words that need no knowledge of how heads learn."""

from __future__ import annotations

from annotator.usecases.results import RoundChange


def rolled_back(number: int, held_out: str, gain: float | None, *, head: str = "head", stay: str = "") -> RoundChange:
    """A round whose head did worse than what is in use on the ``held_out`` answers or pictures ("20 answers").

    ``gain``: accuracy or mAP50 against what is in use, said where it shows the loss. ``stay``: what is in use if no head is.
    """
    loss = "" if gain is None or gain >= 0 else f" (−{-100 * gain:.1f} points)"
    stays = f"{stay} stay" if stay else "the one before stays"
    message = f"The new {head} did worse on {held_out} held out{loss}, so {stays} in use"
    return RoundChange(number, 0, 0, None, message, rolled_back=True)
