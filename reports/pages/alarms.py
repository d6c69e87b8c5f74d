"""The sending alarm of R12, "acionar o TI": why messages are not sent and which job to check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from reports import formats, labels
from reports.filters import Filters
from reports.paths import INDEX
from reports.queries.companies import Company
from reports.view_model import Link

_COMPANIES_NAMED = 6


class AlarmCount(NamedTuple):
    """A row of `sending_alarm`; `oldest_since` is not yet a local time."""

    cause: str
    agenda_count: int
    client_count: int
    oldest_since: datetime


Alarms = Mapping[str, Sequence[AlarmCount]]
"""The alarms of each company that has any, largest first."""


class SendingAlarm(NamedTuple):
    """A cause for which messages are not sent: how many agendas and clients, since when, what to
    check.

    For the group, `companies` names the most affected companies and `clients` adds up the clients
    of each company.
    """

    words: str
    agenda_count: int
    clients: int
    since: datetime
    job: str
    companies: tuple[Link, ...] = ()
    further: str = ""


_ALARMS = """
select company_id, cause, agenda_count, client_count, oldest_since
from sending_alarm
where {condition}
order by company_id collate "C", agenda_count desc, cause collate "C"
"""


def find_alarms(conn: psycopg.Connection, filters: Filters) -> Alarms:
    """Read the alarms of all companies that the filters select."""
    condition = filters.of_companies("sending_alarm")
    query = sql.SQL(_ALARMS).format(condition=condition.text)
    companies: dict[str, list[AlarmCount]] = defaultdict(list)
    for company_id, *columns in conn.execute(query, condition.parameters):
        companies[company_id].append(AlarmCount._make(columns))
    return dict(companies)


def build_alarm(alarms: Sequence[AlarmCount], timezone: str) -> tuple[SendingAlarm, ...]:
    """Build the alarms of one company."""
    return tuple(_alarm(alarm.cause, [alarm], timezone) for alarm in alarms)


def build_group_alarm(
    alarms: Alarms, companies: Sequence[Company], timezone: str
) -> tuple[SendingAlarm, ...]:
    """Build the alarms of the group, one per cause, largest first.

    Args:
        alarms: The alarms by company id.
        companies: The companies of the group.
        timezone: The group's time zone.

    Returns:
        The alarms, each with the companies that have it.
    """
    by_cause: dict[str, list[tuple[AlarmCount, Company]]] = defaultdict(list)
    for company in companies:
        for alarm in alarms.get(company.company_id, ()):
            by_cause[alarm.cause].append((alarm, company))
    found = [
        _with_places(
            _alarm(cause, [alarm for alarm, _ in where], timezone),
            where,
        )
        for cause, where in sorted(by_cause.items())
    ]
    return tuple(sorted(found, key=lambda alarm: -alarm.agenda_count))


def _alarm(code: str, alarms: Sequence[AlarmCount], timezone: str) -> SendingAlarm:
    cause = labels.cause(code)
    return SendingAlarm(
        cause.words,
        sum(alarm.agenda_count for alarm in alarms),
        sum(alarm.client_count for alarm in alarms),
        formats.local(min(alarm.oldest_since for alarm in alarms), timezone),
        cause.job,
    )


def _with_places(alarm: SendingAlarm, where: Sequence[tuple[AlarmCount, Company]]) -> SendingAlarm:
    most = sorted(where, key=lambda place: -place[0].agenda_count)
    rest = len(most) - _COMPANIES_NAMED
    return alarm._replace(
        companies=tuple(
            Link(
                labels.ALARM_COMPANY.format(
                    company=company.name, count=formats.number(count.agenda_count)
                ),
                f"{company.folder}/{INDEX}",
            )
            for count, company in most[:_COMPANIES_NAMED]
        ),
        further=labels.FURTHER_COMPANIES.format(count=formats.number(rest)) if rest > 0 else "",
    )
