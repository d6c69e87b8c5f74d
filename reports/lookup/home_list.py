"""What an attendant has to do now: the figures of their list, and the list itself (R15, R16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from reports import phrases
from reports.filters import Filters
from reports.lookup import report_files
from reports.lookup.grid_rows import ficha_address
from reports.lookup.request_context import RequestContext
from reports.pages.call_list import CallRow, call_rows
from reports.paths import company_folder, list_file
from reports.queries.agendas import AgendaRow, stream_call_lists
from reports.queries.companies import Company

MOST_CARDS = 50
"""How many cards stand on the home page; the list's own page has all of them."""
_NOT_COUNTED = ("call_back", "on_other_list")


class HomeList(NamedTuple):
    """The user's call list in one company.

    Attributes:
        cards: The people to call now.
        agreed: The agendas whose agreed call-back is today, due or to come.
        next_agreed: The local time of the next one to come; empty without any.
        waiting: The agendas that must not be called yet, without agreed call-backs and those on the
            list of another attendant.
        rows: The agendas of the first cards, in order.
        is_cut: Whether there are more cards than rows of.
        whole: The address of the whole list; empty while it is not published.
    """

    cards: int
    agreed: int
    next_agreed: str
    waiting: int
    rows: tuple[CallRow, ...]
    is_cut: bool
    whole: str


def find_home_list(visit: RequestContext, company: Company) -> HomeList:
    """Read the list of the signed-in user in a company."""
    filters = Filters(access=visit.user.access, company_id=company.company_id)
    # By default PostgreSQL plans a cursor for its first rows; here all rows are read.
    visit.conn.execute("set local cursor_tuple_fraction = 1")
    lists = dict(stream_call_lists(visit.conn, filters, (visit.user.user_id,)))
    rows = lists.get(visit.user.user_id, [])
    path = f"current/{company_folder(company.company_id)}/{list_file(visit.user.user_id)}"
    is_published = report_files.has(visit.config.publish_dir, visit.user, path)
    return build_home_list(company, rows, f"{report_files.PREFIX}/{path}" if is_published else "")


def build_home_list(company: Company, rows: Sequence[AgendaRow], whole: str) -> HomeList:
    """Build the figures and the first cards of a list.

    Args:
        company: The company of the list.
        rows: The agendas of the list, those to call first, then those that wait.
        whole: The address of the whole list; empty if there is none.

    Returns:
        The list for the home page.
    """
    listed = [row for row in rows if row.call_position is not None]
    waiting = [row for row in rows if row.call_position is None]
    to_come = sorted(
        row.callable_at
        for row in waiting
        if row.wait_reason == "call_back"
        and row.callable_at is not None
        and row.callable_at.date() == company.local_date
    )
    cards = len({row.card for row in listed})
    shown = [row for row in listed if row.card is not None and row.card <= MOST_CARDS]
    placed = [
        (phrases.phrases_of(company, row), ficha_address(row.company_id, row.agenda_id))
        for row in shown
    ]
    return HomeList(
        cards=cards,
        agreed=sum(_is_agreed_for(row, company.local_date) for row in listed) + len(to_come),
        next_agreed=f"{to_come[0]:%H:%M}" if to_come else "",
        waiting=sum(row.wait_reason not in _NOT_COUNTED for row in waiting),
        rows=tuple(row._replace(anchor=f"ligar-{row.position}") for row in call_rows(placed)),
        is_cut=cards > MOST_CARDS,
        whole=whole,
    )


def _is_agreed_for(row: AgendaRow, today: date) -> bool:
    return row.call_back_at is not None and row.call_back_at.date() == today
