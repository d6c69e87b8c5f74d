"""Generates a demo: the group, all scenarios, then random agendas up to the number wanted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from orchestration.demo.agenda_lifecycle import AgendaLifecycles
from orchestration.demo.delivery_files import DeliveryFiles, DemoError, whole_folder
from orchestration.demo.events import Events
from orchestration.demo.group import make_group
from orchestration.demo.people import People
from orchestration.demo.rng import Rng
from orchestration.demo.scenarios import Scenarios

FEWEST_AGENDAS = 1_000
MOST_AGENDAS = 5_000_000
_EARLIEST_YEAR, _LATEST_YEAR = 2000, 2100
_AGENDAS_AT_ONCE = 2_000

OnProgress = Callable[[int], None]


def _silent(_written: int) -> None:
    """Ignore progress."""


def write_demo(
    folder: Path,
    *,
    agendas: int = 20_000,
    seed: int = 1,
    as_of: datetime,
    on_progress: OnProgress = _silent,
) -> None:
    """Write a demo delivery as of `as_of`; equal arguments write equal bytes.

    Args:
        folder: The delivery folder, written whole or not at all. It replaces an earlier demo.
        agendas: How many agendas to write.
        seed: Seed of the random numbers.
        as_of: The time at which the delivery is made, with an offset.
        on_progress: Called from time to time with the number of agendas written.

    Raises:
        DemoError: An argument is out of range, or the folder holds something other than a demo.
        DemoNotWritten: The files cannot be written.
    """
    if not FEWEST_AGENDAS <= agendas <= MOST_AGENDAS:
        raise DemoError(
            f"A demo has between {FEWEST_AGENDAS:,} and {MOST_AGENDAS:,} agendas, not {agendas:,}. "
            "Nothing was written."
        )
    if as_of.tzinfo is None or not _EARLIEST_YEAR <= as_of.year <= _LATEST_YEAR:
        raise DemoError(
            f"A demo needs an as_of with an offset, between the years {_EARLIEST_YEAR} and "
            f"{_LATEST_YEAR}, not {as_of.isoformat()}. Nothing was written."
        )
    with whole_folder(folder) as making, DeliveryFiles(making) as files:
        _write_rows(files, agendas, as_of, Rng(seed), on_progress)
        files.finish({"agendas": agendas, "seed": seed, "as_of": as_of.astimezone(UTC).isoformat()})


def _write_rows(
    files: DeliveryFiles, wanted: int, as_of: datetime, dice: Rng, on_progress: OnProgress
) -> None:
    group = make_group(wanted, as_of, dice)
    for table, rows in group.rows.items():
        files.rows(table).extend(rows)
    people, events = People(files, dice), Events(files, dice)
    Scenarios(events, people, group, dice).write()
    lives = AgendaLifecycles(events, group, dice)
    client, report_at = None, _AGENDAS_AT_ONCE
    while events.agendas < wanted:
        client = people.client(dice.pick(group.desks), relative=client)
        company = client.company
        draw = dice.random()
        several = 1 if draw < 0.45 else 2 if draw < 0.8 else 3
        for _ in range(min(several, wanted - events.agendas)):
            if dice.chance(0.05):
                lives.passive(client, company)
            else:
                lives.active(client)
        draw = dice.random()
        if draw < 0.06:
            lives.contact_only(client, company)
        elif draw < 0.08:
            lives.contact_only(None, company)
        elif draw < 0.087 and events.agendas < wanted:
            lives.passive(None, company)
        if events.agendas >= report_at:
            report_at += _AGENDAS_AT_ONCE
            files.flush()
            on_progress(events.agendas)
    on_progress(wanted)
