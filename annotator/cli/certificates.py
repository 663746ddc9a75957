"""A certificate in one line, for the commands that tell of them."""

from __future__ import annotations

from annotator.cli.shared import plural
from annotator.usecases.results import CertificateStats


def said(each: CertificateStats) -> str:
    """Who signed what, and on which evidence."""
    sample = f"{plural(each.errors, 'error')} in {each.audited:,} audited, seed {each.seed}"
    right = f" (right: {each.criterion})" if each.criterion else ""
    covered = plural(each.annotations, "annotation")
    return (
        f"Certificate {each.id}: at most {each.bound:.1%} of {covered} wrong{right} (95%; {sample}); "
        f"{each.task} of {each.model} {each.model_version[:12]}, signed by {each.annotator} on {each.signed_at[:10]}"
    )
