"""What every page has: its name, the way back, and the proof of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

from reports import formats


class Link(NamedTuple):
    """A text and the relative address that it leads to."""

    text: str
    href: str


class Stamp(NamedTuple):
    """How old the page's facts are; local clock times of `timezone`, hours as a limit. Without
    `as_of` nothing was ever published.

    `generated_machine` is the same instant as `generated_at`, with its offset: the page's script
    compares it with the reader's clock. So are `next_expected` and `next_machine`, of the next
    edition.
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
        """Whether the data were older than the limit when the page was made, or never came."""
        if self.data_until is None:
            return True
        age = self.generated_at - self.data_until
        return age.total_seconds() > self.stale_hours * 3600

    @property
    def limit(self) -> str:
        """The limit in words."""
        return formats.hours(self.stale_hours)


class Share(NamedTuple):
    """A part of a whole."""

    part: int
    whole: int

    @property
    def text(self) -> str:
        """How it is written; N/D when the whole is empty."""
        return formats.percent(self.part, self.whole)


class Identity(NamedTuple):
    """Two numbers counted on two ways that must be one, and what they count."""

    words: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        """Whether they are equal."""
        return self.left == self.right


class Parameter(NamedTuple):
    """A parameter of the rules that the numbers were computed with, in words."""

    words: str
    value: str


class Proof(NamedTuple):
    """By what the page can be believed and found again.

    `fingerprint` is the hash of the published tables (`reports/fingerprint.py`): equal for the same
    source and the same as-of.
    """

    run_id: str
    fingerprint: str
    parameters: tuple[Parameter, ...] = ()
    identities: tuple[Identity, ...] = ()

    def with_identities(self, *identities: Identity) -> Proof:
        """The same proof with what the page itself has computed."""
        return self._replace(identities=identities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The fields of the base template.

    `up` is the way from the page to the publish folder, where the pages beside the editions stand;
    `leads_to_group` is false for a reader who may not open these, nor the group's report.
    """

    template: ClassVar[str]
    script: ClassVar[str | None] = None
    """The file in `static/` of the page's own script, which it works without."""

    title: str
    trail: tuple[Link, ...]
    up: str
    leads_to_group: bool = True
    stamp: Stamp
    proof: Proof
