"""The base view model of the pages: title, navigation, and the stamp and proof of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

from reports import formats


class Link(NamedTuple):
    """A text and its relative URL."""

    text: str
    href: str


class Stamp(NamedTuple):
    """The age of the page's data; times are local in `timezone`. `as_of` is None before the first
    publication.

    `generated_machine` and `next_machine` are `generated_at` and `next_expected` with their offset,
    for the page's script, which compares them with the reader's clock.
    """

    as_of: datetime | None
    data_until: datetime | None
    generated_at: datetime
    generated_machine: str
    timezone: str
    stale_hours: float
    next_expected: datetime | None = None
    next_machine: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether the data are missing, or were older than `stale_hours` when the page was
        generated.
        """
        if self.data_until is None:
            return True
        age = self.generated_at - self.data_until
        return age.total_seconds() > self.stale_hours * 3600

    @property
    def limit(self) -> str:
        """The limit as text."""
        return formats.hours(self.stale_hours)


class Share(NamedTuple):
    """A part of a whole."""

    part: int
    whole: int

    @property
    def text(self) -> str:
        """The share in percent; N/D if the whole is 0."""
        return formats.percent(self.part, self.whole)


class Identity(NamedTuple):
    """Two counts of the same thing that must be equal, and what they count."""

    words: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        """Whether they are equal."""
        return self.left == self.right


class Parameter(NamedTuple):
    """A parameter of the rules that the numbers depend on, as text."""

    words: str
    value: str


class Proof(NamedTuple):
    """What identifies and verifies the numbers of a page.

    `fingerprint` is the hash of the published tables (`reports/fingerprint.py`): equal for the same
    source and the same as_of.
    """

    run_id: str
    fingerprint: str
    parameters: tuple[Parameter, ...] = ()
    identities: tuple[Identity, ...] = ()

    def with_identities(self, *identities: Identity) -> Proof:
        """Return the proof with the identities that the page has computed."""
        return self._replace(identities=identities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The fields of the base template.

    `up` is the relative path to the publish folder, where the status pages are. `leads_to_group` is
    false for a reader who may not open these and the group's report.
    """

    template: ClassVar[str]
    script: ClassVar[str | None] = None
    """The file in `static/` of the page's script, without which the page works too."""

    title: str
    trail: tuple[Link, ...]
    up: str
    leads_to_group: bool = True
    stamp: Stamp
    proof: Proof
