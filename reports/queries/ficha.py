"""Queries of what a Ficha shows besides its agenda, for many agendas at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple, TypeVar

import psycopg

from reports.queries.agendas import AgendaRow

Row = TypeVar("Row", bound=tuple[Any, ...])


HistoryRow = tuple[str, datetime, str, str | None, datetime | None, str | None, str | None]
"""An event: agenda, local time, code, detail (code or text), time of the booking, person, note.

A plain tuple, because there are so many.
"""

CountedIn = tuple[str, str, str]
"""A total that counts the agenda: agenda, totalizer and bucket (loss reasons by name)."""


class VehicleRow(NamedTuple):
    """A vehicle of the client."""

    client_id: str
    vehicle_id: str
    model: str | None
    plate: str | None
    active: bool


class OtherRow(NamedTuple):
    """Another agenda of the client; `in_all` is how many there are."""

    of_agenda_id: str
    contact_date: date
    event_type: str
    response: str
    is_open: bool
    in_all: int


class FichaFacts(NamedTuple):
    """The related rows by agenda id; vehicles by client id."""

    history: dict[str, list[HistoryRow]]
    totals: dict[str, list[CountedIn]]
    vehicles: dict[str, list[VehicleRow]]
    others: dict[str, list[OtherRow]]


# Each line of a `values` is one event; `place` orders events of the same time: a message is queued
# before it is sent, an agenda is created before everything else and closed last.
_HISTORY = """
with happened as (

    select
        agenda_id,
        event.*,
        null::timestamptz as moment,
        null::text as person,
        null::text as note,
        '' as id
    from agenda_status
    cross join lateral (values
        (created_at, 1, 'created', origin),
        (closed_at, 14, 'closed', null)
    ) as event (instant, place, event, detail)
    where company_id = %(company_id)s and agenda_id = any(%(agenda_ids)s)

    union all

    select agenda_id, event.*, null, null, null, dispatch_id
    from dispatch
    cross join lateral (values
        (queued_at, 2, 'queued', purpose),
        (sent_at, 3, 'sent', null),
        (delivered_at, 4, 'delivered', null),
        (read_at, 5, 'read', null),
        (case outcome when 'failed' then failed_at end, 6, 'failed', cause)
    ) as event (instant, place, event, detail)
    where company_id = %(company_id)s and agenda_id = any(%(agenda_ids)s)

    union all

    select agenda_id, replied_at, 7, 'replied', label, null, null, null, reply_id
    from reply
    where company_id = %(company_id)s and agenda_id = any(%(agenda_ids)s)

    union all

    select
        phone_call.agenda_id,
        phone_call.called_at,
        8,
        'called',
        phone_call.outcome,
        null,
        coalesce(app_user.full_name, phone_call.user_id),
        phone_call.note,
        phone_call.attempt_id
    from phone_call
    left join app_user on app_user.user_id = phone_call.user_id
    where
        phone_call.company_id = %(company_id)s
        and phone_call.agenda_id = any(%(agenda_ids)s)

    union all

    select agenda_id, event.*, scheduled_for, null, null, booking_id
    from booking
    cross join lateral (values
        (created_at, 9, 'booked', channel),
        (confirmed_at, 10, 'confirmed', null),
        (arrived_at, 11, 'arrived', null),
        (no_show_at, 12, 'no_show', no_show_kind),
        (cancelled_at, 13, 'cancelled', null)
    ) as event (instant, place, event, detail)
    where company_id = %(company_id)s and agenda_id = any(%(agenda_ids)s)

)

select
    happened.agenda_id,
    happened.instant at time zone company.timezone as at,
    happened.event,
    happened.detail,
    happened.moment at time zone company.timezone as moment,
    happened.person,
    happened.note
from happened
inner join company on company.company_id = %(company_id)s
where happened.instant is not null
order by happened.instant, happened.place, happened.id collate "C"
"""

_TOTALS = """
select
    totalizer_row.agenda_id,
    totalizer_row.totalizer,
    coalesce(loss_reason.name, totalizer_row.bucket) as bucket
from totalizer_row
left join loss_reason
    on totalizer_row.totalizer = 'refused'
    and loss_reason.loss_reason_id = totalizer_row.bucket
where
    totalizer_row.company_id = %(company_id)s
    and totalizer_row.agenda_id = any(%(agenda_ids)s)
order by totalizer_row.totalizer collate "C", totalizer_row.row_id collate "C"
"""

_VEHICLES = """
select client_id, vehicle_id, model, plate, active
from vehicle
where client_id = any(%(client_ids)s)
order by active desc, lower(model collate "pg_c_utf8"), vehicle_id collate "C"
"""

# Only agendas of the same agent, because an attendant sees only their own (R14).
_OTHERS = """
with numbered as (

    select
        own.agenda_id as of_agenda_id,
        other.contact_date,
        other.event_type_id,
        other.response,
        other.is_open,
        count(*) over (partition by own.agenda_id) as count,
        row_number() over (
            partition by own.agenda_id
            order by other.contact_date desc, other.agenda_id collate "C"
        ) as place
    from agenda_status as own
    inner join agenda_status as other
        on other.company_id = own.company_id
        and other.client_id = own.client_id
        and coalesce(other.agent_id, '') = coalesce(own.agent_id, '')
        and other.agenda_id <> own.agenda_id
    where
        own.company_id = %(company_id)s
        and own.agenda_id = any(%(agenda_ids)s)
        and other.company_id = %(company_id)s
        and other.client_id = any(%(client_ids)s)

)

select
    numbered.of_agenda_id,
    numbered.contact_date,
    coalesce(event_type.name, numbered.event_type_id) as event_type,
    numbered.response,
    numbered.is_open,
    numbered.count
from numbered
left join event_type on event_type.event_type_id = numbered.event_type_id
where numbered.place <= %(shown)s
order by numbered.of_agenda_id, numbered.place
"""

_OTHERS_SHOWN = 5


def find_ficha_facts(conn: psycopg.Connection, rows: Sequence[AgendaRow]) -> FichaFacts:
    """Read the related rows of agendas, which must be of one company and visible to the reader."""
    if not rows:
        return FichaFacts({}, {}, {}, {})
    given: dict[str, object] = {
        "company_id": rows[0].company_id,
        "agenda_ids": [row.agenda_id for row in rows],
        "client_ids": list({row.client_id for row in rows if row.client_id is not None}),
        "shown": _OTHERS_SHOWN,
    }
    return FichaFacts(
        _grouped(_fetch(conn, _HISTORY, given)),
        _grouped(_fetch(conn, _TOTALS, given)),
        _grouped(map(VehicleRow._make, _fetch(conn, _VEHICLES, given))),
        _grouped(map(OtherRow._make, _fetch(conn, _OTHERS, given))),
    )


def _fetch(conn: psycopg.Connection, query: LiteralString, given: Mapping[str, object]) -> Any:
    # Not prepared: a generic plan would assume few agendas.
    with conn.cursor(binary=True) as cursor:
        return cursor.execute(query, given, prepare=False).fetchall()


def _grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by their first field, in their order."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return groups
