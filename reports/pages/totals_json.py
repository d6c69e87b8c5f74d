"""The totals as JSON: `totais.json` beside each report, with the same numbers.

Timestamps are ISO 8601 in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

import psycopg

from reports import labels
from reports.documents import Writer
from reports.editions import Edition
from reports.pages import totals
from reports.pages.report_sections import ReportFacts
from reports.pages.totals import NONE, Count
from reports.paths import TOTALS_JSON
from reports.queries.companies import Company

SCHEMA_VERSION = 2
"""Incremented on every change that breaks readers of the file."""


def find_data_until(conn: psycopg.Connection) -> datetime | None:
    """Return the greatest source time of all tables."""
    found = conn.execute("select max(data_until) from source_freshness").fetchone()
    return found[0] if found else None


def totals_json_writer(
    edition: Edition, data_until: datetime | None, companies: Sequence[Company], facts: ReportFacts
) -> Writer:
    """Return a writer of the totals of the companies together.

    Args:
        edition: The facts of the edition.
        data_until: The greatest source time, from `find_data_until`.
        companies: The companies.
        facts: Their numbers, added up.

    Returns:
        The writer.
    """
    return partial(_write, build_totals_json(edition, data_until, companies, facts))


def build_totals_json(
    edition: Edition, data_until: datetime | None, companies: Sequence[Company], facts: ReportFacts
) -> dict[str, Any]:
    """Build the content of the file.

    Args:
        edition: The facts of the edition.
        data_until: The greatest source time, from `find_data_until`.
        companies: The companies.
        facts: Their numbers, added up.

    Returns:
        The JSON object.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": _instant(edition.as_of),
        "data_until": _instant(data_until),
        "generated_at": _instant(edition.generated_at),
        "run_id": edition.run_id,
        "fingerprint": edition.fingerprint,
        "companies": [
            {
                "company_id": company.company_id,
                "name": company.name,
                "timezone": company.stamp.timezone,
                "today": company.local_date.isoformat(),
                "file": f"{company.folder}/{TOTALS_JSON}",
            }
            for company in companies
        ],
        "totals": [_total(code, label, facts) for code, label in labels.TOTALIZERS.items()],
        "alarms": [
            {
                "company_id": company.company_id,
                "cause": alarm.cause,
                "agendas": alarm.agenda_count,
                "clients": alarm.client_count,
                "since": _instant(alarm.oldest_since),
            }
            for company in companies
            for alarm in facts.alarms.get(company.company_id, ())
        ],
    }


def _total(totalizer: str, label: str, facts: ReportFacts) -> dict[str, Any]:
    named = totals.buckets_of(totalizer, facts.counts, facts.loss_reasons)
    whole = totals.of_total(facts.counts, totalizer)
    return {
        "totalizer": totalizer,
        "label": label,
        **_counts(whole, facts.clients.counts.get((totalizer, None), NONE)),
        "buckets": [
            {
                "bucket": code,
                "label": bucket_label,
                **_counts(
                    facts.counts.get((totalizer, code), NONE),
                    facts.clients.counts.get((totalizer, code), NONE),
                ),
            }
            for code, bucket_label in named.items()
        ],
    }


def _counts(agendas: Count, clients: Count) -> dict[str, dict[str, int]]:
    return {
        "today": {"agendas": agendas.today, "clients": clients.today},
        "all_dates": {"agendas": agendas.all_dates, "clients": clients.all_dates},
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat()


def _write(content: dict[str, Any], file: BinaryIO) -> None:
    file.write(json.dumps(content, ensure_ascii=False, indent=1).encode())
    file.write(b"\n")
