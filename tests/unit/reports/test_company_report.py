"""Reports over filled tables: what is asked of them, the proof, the files beside them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest

from orchestration.postgres.database import Database
from reports import labels, paths
from reports.documents import EditionContext
from reports.filters import EVERYTHING, Filters
from reports.pages import (
    company_report,
    report_sections,
    totals,
)
from reports.pages import (
    group_report as pages_group_report,
)
from reports.pages.company_report import CompanyReport
from reports.pages.group_report import GroupReportPage
from reports.pages.report_sections import ReportFacts
from reports.queries import call_list_counts
from reports.queries.companies import find_companies
from reports.write import write_pages
from tests.unit.reports.published_tables import (
    AS_OF,
    EDITION,
    TODAY,
    agendas,
    company,
    count_totals,
    create,
    fill,
    insert,
)

DAY = timedelta(days=1)
FILTERS = Filters(access=EVERYTHING)


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        create(connection)
        yield connection


@pytest.fixture
def filled(conn: psycopg.Connection) -> psycopg.Connection:
    fill(conn)
    return conn


def scene(conn: psycopg.Connection) -> EditionContext:
    return EditionContext(EDITION, FILTERS, tuple(find_companies(conn, FILTERS, EDITION)))


def facts_of(conn: psycopg.Connection, company_id: str) -> ReportFacts:
    filters = replace(FILTERS, company_id=company_id)
    counts = totals.find_totals(conn, filters).get(company_id, {})
    return report_sections.find_report_facts(conn, scene(conn), filters, counts)


def report_of(conn: psycopg.Connection, company_id: str) -> CompanyReport:
    (found,) = (one for one in scene(conn).companies if one.company_id == company_id)
    content = next(company_report.company_report_documents(conn, scene(conn), found)).content
    assert isinstance(content, CompanyReport)
    return content


def group_report(conn: psycopg.Connection) -> GroupReportPage:
    content = next(pages_group_report.group_report_documents(conn, scene(conn))).content
    assert isinstance(content, GroupReportPage)
    return content


def test_a_client_counts_once_in_a_total_and_once_in_each_of_its_buckets(
    conn: psycopg.Connection,
) -> None:
    insert(conn, "company", company("c1", "Um"), company("c2", "Dois"))
    agendas(conn, "c1", "sent", 1, client_id="p")
    agendas(conn, "c1", "again", 1, client_id="p", contact_date=TODAY - DAY)
    agendas(conn, "c1", "other", 1, client_id="p", whatsapp_status="other")
    agendas(conn, "c1", "nobody", 1, client_id=None)
    agendas(conn, "c2", "sent", 1, client_id="p")
    count_totals(conn)
    clients = facts_of(conn, "c1").clients.counts
    assert clients["active", None] == (1, 1)
    assert clients["active", "sent"] == (1, 1)
    assert clients["active", "other"] == (1, 1)
    assert group_report(conn).totals[0].clients == 1
    assert group_report(conn).totals[0].all_dates.number == 5


def test_funnels_take_the_contact_dates_of_30_days_up_to_today(filled: psycopg.Connection) -> None:
    contact, returned = report_of(filled, "c1").funnels
    assert [step.count for step in contact.steps] == [1203, 1150, 410, 222, 199]
    assert [way.count for way in contact.other_ways] == [2, 1]
    assert [step.count for step in returned.steps] == [4, 1, 0, 0]


def test_days_of_history_are_those_that_any_company_has(filled: psycopg.Connection) -> None:
    days = {day.first: day.counts for day in report_of(filled, "c1").history.days if day.counts}
    assert {day: counts[0] for day, counts in days.items()} == {
        TODAY: 41,
        TODAY - DAY: 31,
        TODAY - 7 * DAY: 0,
        TODAY - 8 * DAY: 35,
        TODAY - 29 * DAY: 42,
    }
    assert group_report(filled).history.days[0].counts[0] == 43


def test_calls_made_today_are_those_of_the_companys_day_and_of_who_called(
    conn: psycopg.Connection,
) -> None:
    insert(conn, "company", company("c1", "Manaus", timezone="America/Manaus"))
    agendas(conn, "c1", "mine", 1, agent_id="a1", team_id="t")
    midnight = AS_OF.replace(hour=4)  # 00:00 in Manaus
    for number, called_at in enumerate((midnight - timedelta(seconds=1), midnight, AS_OF)):
        insert(
            conn,
            "phone_call",
            {
                "company_id": "c1",
                "agenda_id": "c1/mine/1",
                "attempt_id": str(number),
                "user_id": "helper",
                "called_at": called_at,
                "outcome": "busy",
            },
        )
    count_totals(conn)
    page = report_of(conn, "c1")
    called = {line.name: line.work.called for line in page.agents.lines}
    assert called == {"a1": 0, "helper": 2, "Sem agente": 0}
    assert {line.name: line.work.called for line in page.teams.lines} == {"t": 2}


def test_agents_who_only_have_clients_to_wait_for_have_a_list(conn: psycopg.Connection) -> None:
    insert(conn, "company", company("c1", "Um"))
    agendas(conn, "c1", "fresh", 1, agent_id="a1")
    insert(
        conn,
        "call_waiting",
        {"company_id": "c1", "agenda_id": "c1/fresh/1", "agent_id": "a1", "position": 1},
    )
    (entry,) = call_list_counts.find_call_lists(conn, FILTERS)["c1"]
    assert (entry.agent_id, entry.total, entry.waiting) == ("a1", 0, 1)
    assert report_of(conn, "c1").whole.waiting == 1


def test_the_proof_holds_and_says_so_when_it_does_not(conn: psycopg.Connection) -> None:
    insert(conn, "company", company("c1", "Um"))
    agendas(conn, "c1", "sent", 3, agent_id="a1")
    agendas(conn, "c1", "refused", 2, response="refused", is_open=False)
    count_totals(conn)
    for page in (report_of(conn, "c1"), group_report(conn)):
        assert all(identity.holds for identity in page.proof.identities)
    conn.execute("delete from totalizer_row where row_id = 'c1/sent/1'")
    conn.execute("update agenda_status set is_open = false where agenda_id = 'c1/sent/2'")
    broken = {
        identity.words: (identity.left, identity.right)
        for identity in report_of(conn, "c1").proof.identities
        if not identity.holds
    }
    assert broken == {labels.IDENTITY_ACTIVE: (3, 2), labels.IDENTITY_ROWS: (4, 5)}


def test_r12_the_groups_alarm_adds_up_its_companies(conn: psycopg.Connection) -> None:
    insert(conn, "company", company("c1", "Um"), company("c2", "Dois"))
    for of in ("c1", "c2"):
        insert(
            conn,
            "sending_alarm",
            {
                "company_id": of,
                "cause": "queued",
                "agenda_count": 3,
                "client_count": 2,
                "oldest_since": AS_OF,
            },
        )
    assert [(a.agenda_count, a.clients) for a in report_of(conn, "c1").alarms] == [(3, 2)]
    assert [(a.agenda_count, a.clients) for a in group_report(conn).alarms] == [(6, 4)]


def test_a_company_where_nothing_happened_has_a_whole_report(filled: psycopg.Connection) -> None:
    page = report_of(filled, "c3")
    assert page.sent_today.text == "N/D"
    assert not page.alarms
    assert all(total.all_dates == (0, None) for total in page.totals)
    assert [line.name for line in page.agents.lines] == ["Sem agente"]
    assert page.teams.lines == ()
    assert all(identity.holds for identity in page.proof.identities)
    assert page.movements.since is not None  # the group has moved


NUMBER = re.compile(r'<a href="([^"#]+\.html)(?:#([\w-]+))?">([\d.]+)</a>')


@pytest.fixture
def edition(filled: psycopg.Connection, tmp_path: Path) -> Path:
    folder = tmp_path / "edition"
    write_pages(filled, folder, edition=EDITION)
    return folder


@pytest.mark.parametrize("company_id", ["c1", "c2"])
def test_every_number_of_a_report_leads_to_as_many_rows(edition: Path, company_id: str) -> None:
    folder = edition / paths.company_folder(company_id)
    found = NUMBER.findall((folder / paths.INDEX).read_text(encoding="utf-8"))
    assert found
    for file, anchor, number in found:
        rows = (folder / file).read_text(encoding="utf-8").partition("<table")[2]
        if anchor:
            rows = rows.partition(f'<tbody id="{anchor}">')[2].partition("</tbody>")[0]
        assert rows.count('<tr><th scope="row">') == int(number), (file, anchor)


def test_every_number_of_the_group_leads_to_its_companies_and_each_to_as_many_rows(
    edition: Path,
) -> None:
    found = NUMBER.findall((edition / paths.INDEX).read_text(encoding="utf-8"))
    assert found
    for file, anchor, number in found:
        html = (edition / file).read_text(encoding="utf-8")
        part = html.partition(f'aria-labelledby="{anchor or "total"}"')[2].partition("</section>")[
            0
        ]
        heading = re.search(r"hoje ([\d.]+) · todas ([\d.]+)", part)
        assert heading is not None, (file, anchor)
        assert number in heading.groups()
        columns = list(zip(*re.findall(r'<td class="figure">(.*?)</td>' * 2, part), strict=True))
        sums = [sum(int(re.sub(r"<[^>]+>|\.", "", cell)) for cell in column) for column in columns]
        assert [str(total) for total in sums] == list(heading.groups())


def test_a_total_of_the_group_is_taken_away_by_part_and_company(edition: Path) -> None:
    file = edition / f"{paths.group_total_name('active')}.csv"
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Parte", "Empresa", "Hoje", "Todas"]
    assert ["WhatsApp enviado", "Oficina <Centro>", "15", "36"] in rows
    assert sum(int(row[3]) for row in rows[1:]) == 43
    assert (edition / f"{paths.group_total_name('active')}.xlsx").stat().st_size


@pytest.fixture
def schema(root: Path) -> Any:
    return json.loads((root / "docs" / "totais.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("of", [None, "c1", "c3"])
def test_the_totals_for_machines_are_those_of_the_page(
    edition: Path, schema: Any, of: str | None
) -> None:
    folder = edition if of is None else edition / paths.company_folder(of)
    content = json.loads((folder / paths.TOTALS_JSON).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(content)
    assert len(content["companies"]) == (3 if of is None else 1)
    for company_file in content["companies"]:
        assert (edition / company_file["file"]).is_file()
    for total in content["totals"]:
        for column in ("today", "all_dates"):
            assert total[column]["agendas"] == sum(
                bucket[column]["agendas"] for bucket in total["buckets"]
            )
    expected = {None: (22, 43), "c1": (20, 41), "c3": (0, 0)}[of]
    active = content["totals"][0]
    assert (active["today"]["agendas"], active["all_dates"]["agendas"]) == expected
    assert content["data_until"] == "2026-11-20T11:45:00+00:00"


def test_the_schema_refuses_another_form(schema: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema_version": 1}, schema)


def test_a_group_without_companies_has_its_report(
    conn: psycopg.Connection, tmp_path: Path, schema: Any
) -> None:
    folder = tmp_path / "edition"
    write_pages(conn, folder, edition=EDITION)
    content = json.loads((folder / paths.TOTALS_JSON).read_text(encoding="utf-8"))
    jsonschema.validate(content, schema)
    assert content["companies"] == []
    assert content["data_until"] is None
