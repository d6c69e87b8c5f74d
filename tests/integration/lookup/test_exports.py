"""The rows on screen as files: the same rows, no phones, on the record, and only one's own."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO
from urllib.parse import urlencode

import openpyxl
import pytest
from starlette.applications import Starlette

from reports import exports, labels
from reports.documents import Writer
from reports.exports import Sheet
from reports.lookup import grid_rows
from reports.lookup import totals_page as screen_page
from tests.integration.lookup.office import Office, running, with_config
from tests.integration.lookup.test_screen import rows_of, signed_in

FILTERS = (
    {"contato": "todas", "total": "active"},
    {"contato": "todas", "total": "active", "parte": "sent"},
    {"contato": "ontem", "total": "refused"},
    {"contato": "todas", "total": "passive"},
    {"contato": "intervalo", "de": "2026-11-10", "ate": "2026-11-15"},
    {"contato": "intervalo", "de": "2031-01-01"},
)


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


@pytest.mark.parametrize("fields", FILTERS, ids=str)
@pytest.mark.parametrize("who", ["director", "attendant"])
def test_files_hold_the_rows_on_screen_in_their_order(
    app: Starlette, office: Office, who: str, fields: dict[str, str]
) -> None:
    browser = signed_in(app, getattr(office, who))
    query = urlencode(fields)
    shown = [agenda for _, agenda in rows_of(browser, f"/?{query}")]
    taken = browser.get(f"/linhas.csv?{query}")
    assert [row["Agenda"] for row in csv_rows(taken.content)] == shown
    assert taken.headers["content-type"].startswith("text/csv")
    assert taken.headers["content-disposition"].startswith("attachment; filename=")
    workbook = openpyxl.load_workbook(io.BytesIO(browser.get(f"/linhas.xlsx?{query}").content))
    head, *listed = workbook.worksheets[0].iter_rows(values_only=True)
    place = head.index(labels.GRID_COLUMNS["agenda"])
    assert [row[place] for row in listed] == shown


def test_files_hold_no_phone(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.manager)
    text = browser.get("/linhas.csv?contato=todas").content.decode("utf-8-sig")
    mobiles = office.sql(
        "select distinct mobile from marts.client inner join marts.agenda_status using (client_id)"
        " where company_id = any(%s) and length(mobile) >= 8",
        sorted(office.manager.company_ids),
    )
    assert len(mobiles) > 20
    assert not [mobile for (mobile,) in mobiles if str(mobile) in text]


def test_taking_rows_is_recorded(app: Starlette, office: Office) -> None:
    browser = signed_in(app, office.attendant)
    for ending in ("csv", "xlsx"):
        assert browser.get(f"/linhas.{ending}?contato=todas&total=booked").status_code == 200
    (own,) = office.attendant.company_ids
    logged = office.sql(
        "select company_id, details ->> 'total', details ->> 'file', (details ->> 'rows')::int"
        " from access.access_log where action = 'rows_taken' order by log_id"
    )
    ((count,),) = office.sql(
        "select count(*) from marts.totalizer_row where totalizer = 'booked' and agent_id = %s",
        office.attendant.user_id,
    )
    assert logged == [(own, "booked", ending, count) for ending in ("csv", "xlsx")]


def test_others_rows_cannot_be_taken(app: Starlette, office: Office) -> None:
    foreign = next(one for one in office.companies if one not in office.manager.company_ids)
    for person in (office.manager, office.attendant):
        browser = signed_in(app, person)
        for ending in ("csv", "xlsx"):
            for query in (f"empresa={foreign}", f"atendente={office.colleague.user_id}"):
                assert browser.get(f"/linhas.{ending}?{query}").status_code == 404
    assert not office.sql("select from access.access_log where action = 'rows_taken'")


class Slow:
    """Writes a workbook slowly; counts how many are written at once, and what is open meanwhile."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.lock = threading.Lock()
        self.at_work = self.most = self.locked = 0

    def writer(self, _: Sheet) -> Writer:
        """In the place of a writer of workbooks."""
        return self.write

    def write(self, file: BinaryIO) -> None:
        """Writes no workbook at all."""
        with self.lock:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        ((found,),) = self.office.sql(
            "select count(*) from pg_locks where relation = 'marts.company'::regclass"
        )
        time.sleep(0.3)
        file.write(b"workbook")
        with self.lock:
            self.at_work -= 1
            self.locked += int(str(found))


def test_a_workbook_is_written_when_its_rows_are_read_so_no_publication_waits_for_it(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(office)
    monkeypatch.setattr(exports, "xlsx_writer", slow.writer)
    answer = signed_in(app, office.manager).get("/linhas.xlsx?contato=todas")
    assert answer.content == b"workbook"
    assert slow.locked == 0


def test_a_user_has_one_export_at_a_time_and_others_are_told_to_wait(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(office)
    monkeypatch.setattr(exports, "xlsx_writer", slow.writer)
    browsers = [signed_in(app, office.manager) for _ in range(5)]
    with ThreadPoolExecutor() as people:
        answers = list(people.map(lambda one: one.get("/linhas.xlsx"), browsers))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert [answer.status_code for answer in refused] == [429] * 4
    for answer in refused:
        assert answer.headers["retry-after"] == "10"
        assert "Espere um instante" in answer.text
    assert slow.most == 1
    assert browsers[0].get("/linhas.xlsx").status_code == 200


def test_two_exports_run_at_once_whoever_asks(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(office)
    monkeypatch.setattr(exports, "xlsx_writer", slow.writer)
    people = (office.manager, office.director, office.attendant, office.colleague)
    browsers = [signed_in(app, person) for person in people]
    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda one: one.get("/linhas.xlsx"), browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
    assert slow.most == 2


def test_a_transaction_that_idled_too_long_is_said_to_be_too_slow(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_all = grid_rows.find_all_rows

    def late(*given: Any) -> Any:
        time.sleep(2.5)
        return find_all(*given)

    monkeypatch.setattr(grid_rows, "find_all_rows", late)
    with running(with_config(office, statement_seconds=0.5)) as app:
        answer = signed_in(app, office.manager).get("/linhas.csv")
        assert answer.status_code == 503
        assert "demorou demais" in answer.text
        monkeypatch.undo()
        assert signed_in(app, office.manager).get("/linhas.csv").status_code == 200


def test_too_many_rows_are_not_offered(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(app, office.director)
    page = browser.get("/?contato=todas").text
    (count,) = re.findall(r"Linhas 1 a \d+ de (\d+)", page)
    monkeypatch.setattr(screen_page, "MOST_TAKEN", int(count))
    assert "/linhas.csv" in browser.get("/?contato=todas").text
    monkeypatch.setattr(screen_page, "MOST_TAKEN", int(count) - 1)
    page = browser.get("/?contato=todas").text
    assert "/linhas.csv" not in page
    assert "escolha menos linhas" in page
    assert browser.get("/linhas.csv?contato=todas").status_code == 404
