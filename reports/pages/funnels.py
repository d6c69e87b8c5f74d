"""The two funnels: from the agenda to the visit, and from the no-show back to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports import labels
from reports.view_model import Share

Steps = Mapping[tuple[str, str], int]
"""Agendas by funnel and step; missing steps are zero."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step: how many agendas reached it, as shares of the previous and of the first step.

    `width` is the length of its bar in percent of the first step's.
    """

    label: str
    count: int
    of_before: Share | None
    of_first: Share | None
    width: str


@dataclass(frozen=True, slots=True)
class OtherWay:
    """The number of agendas that reached a step without the previous ones."""

    words: str
    count: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """One funnel; each step counts a subset of the previous one."""

    code: str
    title: str
    steps: tuple[Step, ...]
    other_ways: tuple[OtherWay, ...]


def build_funnels(steps: Steps) -> tuple[Funnel, ...]:
    """Label the steps and compute their shares."""
    return tuple(
        Funnel(
            code,
            title,
            _steps(code, steps),
            tuple(
                OtherWay(words, steps.get((code, way), 0))
                for way, words in labels.FUNNEL_OTHER_WAYS[code].items()
            ),
        )
        for code, title in labels.FUNNELS.items()
    )


def _steps(funnel: str, steps: Steps) -> tuple[Step, ...]:
    named = labels.FUNNEL_STEPS[funnel]
    counts = [steps.get((funnel, code), 0) for code in named]
    first = counts[0]
    return tuple(
        Step(
            label,
            count,
            Share(count, counts[place - 1]) if place else None,
            Share(count, first) if place else None,
            f"{100 * count / first:.1f}" if first else "0",
        )
        for place, (label, count) in enumerate(zip(named.values(), counts, strict=True))
    )
