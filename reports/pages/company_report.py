"""The manager's report of one company: sending, totals, and the work of agents and teams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import psycopg

from reports import labels
from reports.documents import Document, EditionContext
from reports.pages import alarms, report_sections, totals, totals_json, workload
from reports.pages.report_sections import Report, ReportFacts
from reports.pages.total_pagination import page_addresses
from reports.pages.totals import Address
from reports.pages.workload import Workload
from reports.paths import INDEX, TOTALS_JSON
from reports.queries import call_list_counts
from reports.queries.call_list_counts import ListCount
from reports.queries.companies import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyReport(Report):
    """The report of one company as of one time."""

    template: ClassVar[str] = "manager_day.html"

    today: date
    agents: Workload
    teams: Workload


def company_report_documents(
    conn: psycopg.Connection, scene: EditionContext, company: Company
) -> Iterator[Document]:
    """Build a company's report and its totals as JSON.

    Args:
        conn: An open transaction, in which tables are named without a schema.
        scene: The context of the edition.
        company: The company.

    Returns:
        The report and the JSON file.
    """
    filters = replace(scene.filters, company_id=company.company_id)
    counts = totals.find_totals(conn, filters).get(company.company_id, {})
    facts = report_sections.find_report_facts(conn, scene, filters, counts)
    call_lists = call_list_counts.with_unassigned(
        call_list_counts.find_call_lists(conn, filters).get(company.company_id, ())
    )
    page = build_company_report(
        company, facts, call_lists, page_addresses(counts, facts.loss_reasons)
    )
    yield Document(f"{company.folder}/{INDEX}", page)
    yield Document(
        f"{company.folder}/{TOTALS_JSON}",
        totals_json.totals_json_writer(
            scene.edition, totals_json.find_data_until(conn), [company], facts
        ),
    )


def build_company_report(
    company: Company, facts: ReportFacts, call_lists: Sequence[ListCount], address: Address
) -> CompanyReport:
    """Build the view model of a company's report.

    Args:
        company: The company.
        facts: The numbers of the report.
        call_lists: The company's call lists, including that of agendas without an agent.
        address: Returns the link of a number to its rows.

    Returns:
        The page.
    """
    timezone = company.stamp.timezone
    agents = workload.by_agent(facts.measures, call_lists)
    teams = workload.by_team(facts.measures)
    lines = (
        (labels.IDENTITY_AGENTS, [line.work for line in agents.lines]),
        (labels.IDENTITY_TEAMS, [line.work for line in teams.lines]),
    )
    return CompanyReport(
        title=company.name,
        trail=company.trail,
        up=company.up,
        stamp=company.stamp,
        proof=company.proof.with_identities(*report_sections.identities(facts, lines)),
        totals_file=TOTALS_JSON,
        today=company.local_date,
        alarms=alarms.build_alarm(facts.alarms.get(company.company_id, ()), timezone),
        agents=agents,
        teams=teams,
        **report_sections.report_sections(facts, address, timezone),
    )
