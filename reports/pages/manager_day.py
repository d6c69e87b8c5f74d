"""The manager's report of one company: is sending well, what are the totals, who works on what.

Belongs here: the page, and the documents that go with it. Does not: the parts that the group's
report has as well (`report.py`), nor the rows of a total (`total_rows.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import psycopg

from reports import labels
from reports.documents import Document, Scene
from reports.pages import alarms, lists, report, totals, totals_file, workload
from reports.pages.company import Company
from reports.pages.lists import ListCount
from reports.pages.report import Facts, Report
from reports.pages.total_layout import addresses
from reports.pages.totals import Address
from reports.pages.workload import Workload
from reports.paths import INDEX, TOTALS_JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerDay(Report):
    """The page of one company at one instant."""

    template: ClassVar[str] = "manager_day.html"

    today: date
    agents: Workload
    teams: Workload


def documents(conn: psycopg.Connection, scene: Scene, company: Company) -> Iterator[Document]:
    """The manager's report of a company, and the same totals for machines."""
    filters = replace(scene.filters, company_id=company.company_id)
    counts = totals.find(conn, filters).get(company.company_id, {})
    facts = report.find(conn, scene, filters, counts)
    call_lists = lists.with_unassigned(lists.find(conn, filters).get(company.company_id, ()))
    page = build(company, facts, call_lists, addresses(counts, facts.loss_reasons))
    yield Document(f"{company.folder}/{INDEX}", page)
    yield Document(
        f"{company.folder}/{TOTALS_JSON}",
        totals_file.writer(scene.edition, totals_file.find_data_until(conn), [company], facts),
    )


def build(
    company: Company, facts: Facts, call_lists: Sequence[ListCount], address: Address
) -> ManagerDay:
    """Label everything and lead every number to its rows."""
    timezone = company.stamp.timezone
    agents = workload.by_agent(facts.measures, call_lists)
    teams = workload.by_team(facts.measures)
    lines = (
        (labels.IDENTITY_AGENTS, [line.work for line in agents.lines]),
        (labels.IDENTITY_TEAMS, [line.work for line in teams.lines]),
    )
    return ManagerDay(
        title=company.name,
        trail=company.trail,
        up=company.up,
        stamp=company.stamp,
        proof=company.proof.with_identities(*report.identities(facts, lines)),
        totals_file=TOTALS_JSON,
        today=company.local_date,
        alarms=alarms.build(facts.alarms.get(company.company_id, ()), timezone),
        agents=agents,
        teams=teams,
        **report.parts(facts, address, timezone),
    )
