"""The access log: who did what, when and why. Append-only, and a hash chain (`access.chain_entry`).

It holds ids, codes and network addresses only: no names, phones, plates, e-mails or search terms.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

Action = Literal[
    "signed_in",
    "sign_in_refused",
    "signed_out",
    "account_set",
    "account_revoked",
    "password_changed",
    "password_refused",
    "report_opened",
    "report_taken",
    "ficha_opened",
    "phone_revealed",
    "rows_shown",
    "rows_taken",
    "searched",
    "log_read",
    "entries_expired",
]


class AuditEntry(NamedTuple):
    """One row of the access log."""

    log_id: int
    at: datetime
    user_id: str | None
    action: str
    company_id: str | None
    agenda_id: str | None
    client_id: str | None
    details: dict[str, str]


def record_action(
    conn: psycopg.Connection,
    action: Action,
    user_id: str | None,
    *,
    company_id: str | None = None,
    agenda_id: str | None = None,
    client_id: str | None = None,
    **details: str,
) -> None:
    """Add an entry to the access log.

    Errors are raised to the caller, because an action that cannot be recorded must not happen.

    Args:
        conn: A connection of the sign-in login.
        action: What the user did.
        user_id: The user, or None for a refused sign-in.
        company_id: The company concerned.
        agenda_id: The agenda concerned.
        client_id: The client concerned.
        details: Further codes or counts, by name.

    Raises:
        psycopg.Error: The entry could not be written.
    """
    conn.execute(
        "insert into access.access_log"
        " (user_id, action, company_id, agenda_id, client_id, details)"
        " values (%s, %s, %s, %s, %s, %s)",
        [user_id, action, company_id, agenda_id, client_id, Jsonb(details)],
    )


def find_entries(
    conn: psycopg.Connection,
    company_ids: tuple[str, ...],
    *,
    before: int | None,
    count: int,
    action: str | None = None,
    user_id: str | None = None,
) -> list[AuditEntry]:
    """Return the newest entries of the companies, newest first.

    Args:
        conn: A connection of the sign-in login.
        company_ids: The companies whose entries to return.
        before: Return only entries older than this `log_id`.
        count: The maximum number of entries.
        action: Return only this action.
        user_id: Return only this user's entries.

    Returns:
        The entries.
    """
    rows = conn.execute(
        """
        select log_id, at, user_id, action, company_id, agenda_id, client_id,
            coalesce(details, '{}')
        from access.access_log
        where company_id = any(%(company_ids)s)
            and (%(before)s::bigint is null or log_id < %(before)s)
            and (%(action)s::text is null or action = %(action)s)
            and (%(user_id)s::text is null or user_id = %(user_id)s)
        order by log_id desc
        limit %(count)s
        """,
        {
            "company_ids": list(company_ids),
            "before": before,
            "action": action,
            "user_id": user_id,
            "count": count,
        },
    )
    return [AuditEntry._make(row) for row in rows]
