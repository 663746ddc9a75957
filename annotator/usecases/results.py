"""What the use-cases return. The fields are the keys of the ``--json`` output; renaming one breaks other people's scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotator.formats.report import ReportRow, Verified


@dataclass(frozen=True)
class Problem:
    """An image that could not be used, and why."""

    image_id: int
    uri: str
    reason: str


@dataclass(frozen=True)
class ScanResult:
    """``images``: known to the project now. ``added``, ``moved`` and ``missing`` count what this scan changed."""

    images: int
    unreadable: int
    seconds: float
    added: int = 0
    moved: int = 0
    missing: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class ImportResult:
    """``images``: images that got annotations or a split; ``labels``: names that the import added to the project.

    ``rows``: what was kept, converted (how) and dropped (why), counted per label and image, losses first.
    """

    images: int
    annotations: int
    labels: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    format: str = ""
    rows: tuple[ReportRow, ...] = ()
    notes: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True)
class PullResult:
    """``path``: the weights file of a model, whole; ``size`` in bytes."""

    model: str
    path: str
    size: int


@dataclass(frozen=True)
class IndexResult:
    """``images``: embedded by this call; ``known``: already in the cache before it."""

    images: int
    known: int
    images_per_s: float
    unreadable: int = 0
    set_aside: int = 0


@dataclass(frozen=True)
class SuggestResult:
    """``images``: covered by the run; ``suggestions``: open ones in it; ``images_per_s``: embedding speed of this call."""

    run: int
    images: int
    suggestions: int
    images_per_s: float
    model: str = ""
    uncalibrated: bool = True
    unreadable: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RegionGroup:
    """Regions that look alike: how many, on how many pictures, the ids of those where they are clearest, and the label that the
    group was named."""

    name: str
    regions: int
    images: int
    examples: tuple[int, ...]
    label: str = ""


@dataclass(frozen=True)
class RegionGroupsResult:
    """``groups``: the largest first, named A, B, ..."""

    groups: tuple[RegionGroup, ...]
    regions: int
    images: int
    seconds: float


@dataclass(frozen=True)
class RoundChange:
    """What changed since the round before: how many open suggestions now name another label, and the accuracy gained. One that
    was ``rolled_back``, because held-out answers spoke against it, changed nothing."""

    round: int
    changed: int
    compared: int
    accuracy_gain: float | None = None
    message: str = ""
    rolled_back: bool = False


@dataclass(frozen=True)
class TrainResult:
    """``head``: id of the head just trained; ``released``: whether suggestions come from it; ``reason``: why or why not."""

    head: int
    released: bool
    metrics: Mapping[str, Any]
    seconds: float
    reason: str = ""
    run: int | None = None
    round: RoundChange | None = None


@dataclass(frozen=True)
class AcceptResult:
    """``bound``: upper 95% limit of the error among the accepted ones, None when nothing was certified; then ``missing`` says
    what a certificate would have needed."""

    accepted: int
    audited: int
    bound: float | None
    certificate: int | None = None
    actions: int = 0
    missing: str = ""


@dataclass(frozen=True)
class Loss:
    """One line of an export report: what of ``label`` the format could not keep as it was."""

    label: str
    kind: str
    count: int
    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class CertificateStats:
    """A signed certificate: at most ``bound`` of what was accepted under it is wrong, with 95% confidence.

    ``errors`` of ``audited`` in the random sample that ``seed`` drew; ``criterion`` says what counted as right; ``annotations``
    stand under it now.
    """

    id: int
    task: str
    annotator: str
    signed_at: str
    model: str
    model_version: str
    seed: int
    max_error: float
    audited: int
    errors: int
    bound: float
    accepted: int
    annotations: int
    criterion: str = ""


@dataclass(frozen=True)
class ExportResult:
    """``lossy``: what was converted or dropped, per label. ``certificates``: those that exported annotations stand under.

    ``verified``: what reading it back showed; None where nobody asked. ``rows``: also what was kept, with the images concerned.
    ``unkept``: the notes that tell what of the whole dataset is not there.
    """

    images: int
    annotations: int
    lossy: tuple[Loss, ...]
    path: str = ""
    format: str = ""
    certificates: tuple[CertificateStats, ...] = ()
    verified: Verified | None = None
    rows: tuple[ReportRow, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unkept: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSplit:
    """How many images of each split have a label."""

    name: str
    train: int
    val: int
    test: int


@dataclass(frozen=True)
class SplitResult:
    """``added`` images got a split; ``splits`` counts all images by split; ``groups`` were kept together."""

    added: int
    groups: int
    splits: Mapping[str, int]
    labels: tuple[LabelSplit, ...]


@dataclass(frozen=True)
class VersionResult:
    """A named version of the dataset; ``edits`` is how many lines the log of edits had."""

    name: str
    note: str
    annotator: str
    created_at: str
    edits: int
    images: int
    annotations: int


@dataclass(frozen=True)
class LabelDiff:
    """Annotations of one label that are only in the later, and only in the earlier version; a moved box is one of each, and
    one of the ``changed``: pairs of both on one image."""

    name: str
    added: int
    removed: int
    changed: int = 0


@dataclass(frozen=True)
class DiffResult:
    """What changed from version ``before`` to ``after``; ``changed`` names the first of the changed images."""

    before: str
    after: str
    images_added: int
    images_removed: int
    images_changed: int
    labels: tuple[LabelDiff, ...]
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class CurvePoint:
    """Mean and standard deviation of the metric over the seeds after ``budget`` labels; ``actions`` is the effort.

    For boxes and masks a budget counts pictures, ``by_hand`` is what drawing all of it would cost, ``actions`` consists of
    ``keys``, ``clicks`` and ``drags``, and ``cpu_s`` is the processor time of all training (and its suggestions) up to there.
    """

    budget: int
    mean: float
    sd: float
    actions: float
    by_hand: float | None = None
    keys: float | None = None
    clicks: float | None = None
    drags: float | None = None
    map75: float | None = None
    cpu_s: float | None = None


@dataclass(frozen=True)
class StrategyCurve:
    """The learning curve of one way of ordering the queue."""

    strategy: str
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class EffortResult:
    """What it takes to label the whole pool to at most ``target`` error, mean over the seeds: ``actions``, ``by_hand`` (a key an
    image) and their ratio ``share``; ``error`` at the end; of the actions ``keys``, and ``pages`` and ``marks`` of the wall,
    samples included; ``shortlisted`` keys had their label among those offered; ``certificates`` were tried on ``checks`` images,
    and ``certified`` images accepted unseen."""

    target: float
    actions: float
    by_hand: int
    share: float
    error: float
    keys: float
    shortlisted: float
    pages: float
    marks: float
    checks: float
    certified: float
    certificates: float = 0.0


@dataclass(frozen=True)
class CertifyResult:
    """``violations``: in how many of ``runs`` the true error of what was certified passed the ``target``; ``certified``: in how
    many anything was; ``accepted``: mean share of the open images that were accepted unseen, at ``labels`` labels."""

    target: float
    labels: int
    runs: int
    violations: int
    certified: int
    accepted: float


@dataclass(frozen=True)
class SimulateResult:
    """The learning curve of the loop with a simulated annotator.

    ``actions_for_all``: keys, clicks and drags to label all images that are not scored with what the program suggests;
    ``actions_drawing_all``: to draw them. None where the task counts only answers. ``full_map75`` and ``full_cpu_s``: of the one
    training on all of them.
    """

    task: str
    metric: str
    full_supervision: float
    curve: tuple[CurvePoint, ...]
    seconds: float
    scored_on: str = ""
    scored_images: int = 0
    strategy: str = ""
    seeds: int = 0
    zero_labels: float | None = None
    actions_for_all: int | None = None
    actions_drawing_all: int | None = None
    strategies: tuple[StrategyCurve, ...] = ()
    effort: tuple[EffortResult, ...] = ()
    certificates: CertifyResult | None = None
    full_map75: float | None = None
    full_cpu_s: float | None = None


@dataclass(frozen=True)
class LabelStats:
    """Counts of one label."""

    name: str
    annotations: int
    suggestions: int = 0


@dataclass(frozen=True)
class StatsResult:
    """The project in numbers. ``states`` and ``splits`` count images, ``sources`` annotations, ``verdicts`` decisions."""

    path: str
    images: int
    states: Mapping[str, int]
    splits: Mapping[str, int]
    annotations: int
    labels: tuple[LabelStats, ...]
    sources: Mapping[str, int]
    verdicts: Mapping[str, int]
    runs: int
    heads: int
    problems: tuple[Problem, ...] = field(default=())
    certificates: tuple[CertificateStats, ...] = field(default=())


@dataclass(frozen=True)
class Finding:
    """Something that looks wrong.

    ``kind``: label (a tag that a model trained without it contradicts), folder (a tag that the label's own name contradicts, as
    on many pictures of that label), missing (a tag that is not there), shape (a box or mask that a model sees otherwise),
    duplicate, or disagreement (of two annotators). ``score`` orders findings of one kind. ``given`` is what stands, ``other``
    what should: a label, an annotator's answer, or the other picture. ``fix`` says in words what fixing would do, nothing where
    only a person can. ``where`` is a box x1, y1, x2, y2 in pixels of the oriented image, ``annotation`` the id of the annotation
    that is meant and ``geometry`` the one that a model proposes. ``state`` is "skipped" for those that a person left for later.
    """

    kind: str
    image_id: int
    uri: str
    score: float
    reason: str
    given: str
    other: str
    key: str = ""
    fix: str = ""
    where: tuple[float, float, float, float] | None = None
    annotation: str | None = None
    geometry: Mapping[str, Any] | None = None
    state: str = ""


@dataclass(frozen=True)
class Agreement:
    """How far annotators agree about one exclusive group, on ``images`` that at least two of them answered. ``kappa`` is Cohen's
    of two of them over the ``shared`` ones that both answered; ``alpha`` is Krippendorff's of all of them (nominal). None where
    nothing can be said."""

    group: str
    annotators: tuple[str, ...]
    images: int
    kappa: Mapping[str, float | None]
    alpha: float | None
    shared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditResult:
    """``findings``: the worst of each kind first, without those that a person kept; ``counts``: how many of each kind."""

    findings: tuple[Finding, ...]
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    agreement: tuple[Agreement, ...] = ()
    notes: tuple[str, ...] = ()
