"""A certificate in one line, for the commands that tell of them."""

from __future__ import annotations

from annotator.cli.shared import plural
from annotator.usecases.results import CertificateStats


def said(each: CertificateStats) -> str:
    """Who signed what, and on which evidence."""
    sample = f"{plural(each.errors, 'error')} in {each.audited:,} audited, seed {each.seed}"
    return (
        f"Certificate {each.id}: at most {each.bound:.1%} of {plural(each.annotations, 'annotation')} wrong (95%; {sample}); "
        f"{each.model} {each.model_version[:12]}, signed by {each.annotator} on {each.signed_at[:10]}"
    )
