"""The Ficha files of a call list: fifty Fichas per file, in the order of the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.documents import Document
from reports.filters import Filters
from reports.pages import ficha
from reports.pages.ficha import Neighbours
from reports.paths import ficha_anchor, fichas_file, list_file
from reports.phrases import CallPhrases
from reports.queries import call_list_counts
from reports.queries.call_list_counts import ListCount
from reports.queries.companies import Company
from reports.queries.ficha import FichaFacts
from reports.view_model import Identity, Link

FICHAS_A_FILE = 50

# In the order of the pages: first the clients to call, then those waiting.
_PLACES = """
with placed as (

    select company_id, agenda_id, agent_id, false as is_waiting, position
    from call_list
    where {call_list}
    union all
    select company_id, agenda_id, agent_id, true as is_waiting, position
    from call_waiting
    where {call_waiting}

)

select agent_id, agenda_id
from placed
order by agent_id collate "C", is_waiting, position
"""


def ficha_places(conn: psycopg.Connection, filters: Filters) -> dict[str, str]:
    """Return the link to each agenda's Ficha within the folder of the one company in `filters`."""
    call_list = filters.of_agents("call_list")
    query = sql.SQL(_PLACES).format(
        call_list=call_list.text, call_waiting=filters.of_agents("call_waiting").text
    )
    places: dict[str, str] = {}
    with conn.cursor(binary=True) as cursor:
        for agent_id, rows in groupby(cursor.execute(query, call_list.parameters), itemgetter(0)):
            agenda_ids = [agenda_id for _, agenda_id in rows]
            places.update(zip(agenda_ids, ficha_addresses(agent_id, agenda_ids), strict=True))
    return places


def ficha_addresses(agent_id: str | None, agenda_ids: Sequence[str]) -> list[str]:
    """Return the link to the Ficha of each agenda of a list, given in the order of the list."""
    parts = range(1, 2 + len(agenda_ids) // FICHAS_A_FILE)
    files = [fichas_file(agent_id, part) for part in parts]
    return [
        f"{files[place // FICHAS_A_FILE]}#{ficha_anchor(agenda_id)}"
        for place, agenda_id in enumerate(agenda_ids)
    ]


def ficha_documents(
    company: Company, entry: ListCount, said: Sequence[CallPhrases], facts: FichaFacts
) -> Iterator[Document]:
    """Build the Ficha files of a call list.

    Args:
        company: The company of the list.
        entry: The agent and the counts to check the Fichas against.
        said: The phrases of the agendas, in the order of the list.
        facts: Related rows of the agendas.

    Returns:
        The files.
    """
    title = call_list_counts.title(entry.agent_id, entry.name)
    list_page = list_file(entry.agent_id)
    hrefs = ["", *ficha_addresses(entry.agent_id, [one.row.agenda_id for one in said]), ""]
    for first in range(0, len(said), FICHAS_A_FILE):
        shown = said[first : first + FICHAS_A_FILE]
        fichas = [
            ficha.build_ficha(
                one,
                facts,
                Neighbours(
                    Link(labels.TO_THE_LIST, f"{list_page}#{hrefs[place].partition('#')[2]}"),
                    hrefs[place - 1],
                    hrefs[place + 1],
                ),
            )
            for place, one in enumerate(shown, start=first + 1)
        ]
        page = ficha.build_ficha_page(
            company,
            labels.FICHAS.format(name=title),
            fichas,
            trail=(Link(title, list_page),),
            of_which=_range(first + 1, first + len(shown), len(said)),
            identities=(Identity(labels.IDENTITY_FICHAS, len(said), entry.total + entry.waiting),),
        )
        part = 1 + first // FICHAS_A_FILE
        yield Document(f"{company.folder}/{fichas_file(entry.agent_id, part)}", page)


def _range(first: int, last: int, count: int) -> str:
    pattern = labels.FICHAS_RANGE_ONE if first == last else labels.FICHAS_RANGE
    return pattern.format(
        first=formats.number(first), last=formats.number(last), count=formats.number(count)
    )
