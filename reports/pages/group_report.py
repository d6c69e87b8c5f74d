"""The report of the group: the sections of a company's report, and one line per company."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import psycopg

from reports import labels
from reports.documents import Document, EditionContext
from reports.editions import Edition
from reports.pages import alarms, group_total, report_sections, totals, totals_json, workload
from reports.pages.report_sections import Report, ReportFacts
from reports.pages.totals import Counts
from reports.pages.workload import Work
from reports.paths import INDEX, TOTALS_JSON
from reports.queries.companies import Company, stamp_of
from reports.view_model import Link, Proof, Share, Stamp


@dataclass(frozen=True, slots=True)
class CompanyLine:
    """One company of the group."""

    link: Link
    has_alarm: bool
    sent_today: Share
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReportPage(Report):
    """The index page of an edition."""

    template: ClassVar[str] = "companies.html"

    companies: tuple[CompanyLine, ...]


def group_report_documents(conn: psycopg.Connection, scene: EditionContext) -> Iterator[Document]:
    """Build the pages and files of the group."""
    by_company = totals.find_totals(conn, scene.filters)
    facts = report_sections.find_report_facts(
        conn, scene, scene.filters, totals.together(by_company.values())
    )
    data_until = totals_json.find_data_until(conn)
    edition = scene.edition
    stamp = stamp_of(edition, data_until, edition.timezone, edition.stale_hours)
    yield Document(INDEX, build_group_report(edition, stamp, scene.companies, by_company, facts))
    yield Document(
        TOTALS_JSON, totals_json.totals_json_writer(edition, data_until, scene.companies, facts)
    )
    yield from group_total.group_total_documents(scene, stamp, by_company, facts.loss_reasons)


def build_group_report(
    edition: Edition,
    stamp: Stamp,
    companies: Sequence[Company],
    by_company: Mapping[str, Counts],
    facts: ReportFacts,
) -> GroupReportPage:
    """Build the view model of the group's report.

    Args:
        edition: The facts of the edition.
        stamp: The stamp of the page.
        companies: The companies, in display order.
        by_company: The counts by company id.
        facts: The numbers of all companies together.

    Returns:
        The page.
    """
    works = workload.by_company(facts.measures)
    nothing = workload.work_of(())
    lines = tuple(
        CompanyLine(
            link=Link(company.name, f"{company.folder}/{INDEX}"),
            has_alarm=bool(facts.alarms.get(company.company_id)),
            sent_today=totals.sent_today(by_company.get(company.company_id, {})),
            work=works.get(company.company_id, nothing),
        )
        for company in companies
    )
    by_lines = ((labels.IDENTITY_COMPANIES, [line.work for line in lines]),)
    return GroupReportPage(
        title=labels.GROUP,
        trail=(),
        up="../",
        stamp=stamp,
        proof=Proof(edition.run_id, edition.fingerprint).with_identities(
            *report_sections.identities(facts, by_lines)
        ),
        totals_file=TOTALS_JSON,
        companies=lines,
        alarms=alarms.build_group_alarm(facts.alarms, companies, edition.timezone),
        **report_sections.report_sections(facts, group_total.address, edition.timezone),
    )
