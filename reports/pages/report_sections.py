"""The sections that a company's report and the group's have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.documents import EditionContext
from reports.filters import Filters
from reports.pages import alarms, funnels, history, movement, overlap, totals, workload
from reports.pages.alarms import Alarms, SendingAlarm
from reports.pages.funnels import Funnel
from reports.pages.history import History
from reports.pages.movement import Movements, Moves
from reports.pages.overlap import Combinations, Overlap
from reports.pages.totals import Address, Clients, Counts, Total
from reports.pages.workload import Measure, Work
from reports.view_model import Identity, Page, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Page):
    """The common sections of a report."""

    totals_file: str
    alarms: tuple[SendingAlarm, ...]
    sent_today: Share
    whole: Work
    totals: tuple[Total, ...]
    movements: Movements
    funnels: tuple[Funnel, ...]
    history: History
    overlap: Overlap


class Counted(NamedTuple):
    """Totals counted a second time, directly from `agenda_status`."""

    active: int
    refused: int
    to_call: int


class ReportFacts(NamedTuple):
    """The numbers of a report, of one company or of all together."""

    counts: Counts
    clients: Clients
    loss_reasons: Mapping[str, str]
    alarms: Alarms
    measures: Sequence[Measure]
    moves: Moves
    sets: history.Sets
    last_day: date
    combinations: Combinations
    counted: Counted


_COUNTED = """
select
    count(*) filter (where agenda_status.origin = 'active' and agenda_status.is_open) as active,
    count(*) filter (
        where agenda_status.origin = 'active' and agenda_status.response = 'refused'
    ) as refused,
    count(*) filter (where agenda_status.call_reason is not null) as to_call
from agenda_status
inner join company on company.company_id = agenda_status.company_id
where {condition}
"""


def find_report_facts(
    conn: psycopg.Connection, scene: EditionContext, filters: Filters, counts: Counts
) -> ReportFacts:
    """Read the numbers of a report, one query per section.

    Args:
        conn: An open transaction, in which tables are named without a schema.
        scene: The context of the edition.
        filters: The companies of the report.
        counts: Their totals.

    Returns:
        The numbers.
    """
    last_day = formats.local(scene.edition.as_of, scene.edition.timezone).date()
    return ReportFacts(
        counts=counts,
        clients=totals.find_clients(conn, filters),
        loss_reasons=totals.find_loss_reasons(conn),
        alarms=alarms.find_alarms(conn, filters),
        measures=workload.find_workload(conn, filters),
        moves=movement.find_movements(conn, filters),
        sets=history.find_history(conn, filters, last_day),
        last_day=last_day,
        combinations=overlap.find_overlaps(conn, filters),
        counted=_find_counted(conn, filters),
    )


def _find_counted(conn: psycopg.Connection, filters: Filters) -> Counted:
    condition = filters.of_agendas("agenda_status")
    query = sql.SQL(_COUNTED).format(condition=condition.text)
    return Counted._make(conn.execute(query, condition.parameters).fetchone() or (0, 0, 0))


def report_sections(facts: ReportFacts, address: Address, timezone: str) -> dict[str, Any]:
    """Build the fields of `Report` that are common to companies and group.

    Args:
        facts: The numbers of the report.
        address: Returns the link of a number to its rows.
        timezone: The time zone of the page.

    Returns:
        The fields by name.
    """
    now = {code: totals.of_total(facts.counts, code).all_dates for code in labels.TOTALIZERS}
    return {
        "sent_today": totals.sent_today(facts.counts),
        "whole": workload.work_of(facts.measures),
        "totals": totals.build_totals(facts.counts, facts.clients, facts.loss_reasons, address),
        "movements": movement.build_movements(facts.moves, now, timezone),
        "funnels": funnels.build_funnels(workload.steps(facts.measures)),
        "history": history.build_history(facts.sets, facts.last_day, now),
        "overlap": overlap.build_overlap(facts.combinations),
    }


def identities(
    facts: ReportFacts, lines: Iterable[tuple[str, Iterable[Work]]]
) -> tuple[Identity, ...]:
    """Compare the totals (R11) with second counts, and with the sums of the workload tables.

    Args:
        facts: The numbers of the report.
        lines: The label of each identity and the lines that must add up to the active agendas.

    Returns:
        The identities.
    """
    active = totals.of_total(facts.counts, "active").all_dates
    return (
        Identity(labels.IDENTITY_ACTIVE, active, facts.counted.active),
        Identity(
            labels.IDENTITY_REFUSED,
            totals.of_total(facts.counts, "refused").all_dates,
            facts.counted.refused,
        ),
        Identity(
            labels.IDENTITY_ROWS,
            facts.clients.rows,
            totals.sum_of(facts.counts.values()).all_dates,
        ),
        Identity(
            labels.IDENTITY_LISTS,
            workload.work_of(facts.measures).to_call,
            facts.counted.to_call,
        ),
        *(Identity(words, sum(work.active for work in works), active) for words, works in lines),
    )
