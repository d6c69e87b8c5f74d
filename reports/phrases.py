"""The sentences of an agenda to phone, or not to phone yet: why, and whether WhatsApp went out."""

from __future__ import annotations

from typing import Literal, NamedTuple

from reports import formats, labels
from reports.queries.agendas import AgendaRow
from reports.queries.companies import Company


class Signal(NamedTuple):
    """Whether WhatsApp reached the client, and when, or why not."""

    kind: Literal["sent", "not-sent"]
    text: str


class Phone(NamedTuple):
    """A number to phone and its `tel:` address."""

    text: str
    href: str


class CallPhrases(NamedTuple):
    """An agenda with its sentences. `why` says why to phone, or why not yet; it is empty for an
    agenda that is on neither part of a list. `callable_from` is empty but for "not yet".
    """

    row: AgendaRow
    client: str
    phone: Phone | None
    why: str
    signal: Signal
    attempts: str
    untried: str
    callable_from: str
    vehicle: str


def phrases_of(company: Company, row: AgendaRow) -> CallPhrases:
    """Say an agenda's row in words, once for all that show it."""
    is_listed = row.call_position is not None
    is_waiting = row.wait_position is not None
    why = reason_of(company, row) if is_listed else wait_of(company, row) if is_waiting else ""
    return CallPhrases(
        row,
        row.client_name or labels.NO_CLIENT,
        phone_of(row),
        why,
        signal_of(company, row),
        attempts_of(company, row) if is_listed else "",
        untried_of(row),
        callable_from(company, row) if is_waiting else "",
        vehicle(row.vehicle_model, row.vehicle_plate),
    )


def phone_of(row: AgendaRow) -> Phone | None:
    """The number that R9 says, if there is one."""
    return Phone(formats.phone(row.phone), formats.phone_link(row.phone)) if row.phone else None


def signal_of(company: Company, row: AgendaRow) -> Signal:
    """Whether a message went out, and when. One from before the last no-show does not count as
    this cycle's (R7), but the attendant must know of it.
    """
    if row.last_sent_at is not None:
        sent = formats.recent_moment(row.last_sent_at, company.local_date)
        if row.cycle_start is None or row.last_sent_at >= row.cycle_start:
            return Signal("sent", labels.SIGNAL_SENT.format(sent=sent))
        start = formats.recent_moment(row.cycle_start, company.local_date)
        return Signal("not-sent", labels.SIGNAL_SENT_BEFORE.format(sent=sent, cycle_start=start))
    if row.call_reason == "not_sent":
        return Signal("not-sent", labels.SIGNAL_NOT_SENT)  # its reason says why
    why = _why(row, row.whatsapp_status)
    return Signal("not-sent", labels.SIGNAL_NOT_SENT_WHY.format(why=why))


def reason_of(company: Company, row: AgendaRow) -> str:
    """Why the client is on the list, in one sentence with its evidence."""
    today = company.local_date
    if row.call_reason == "call_requested" and row.since is not None:
        return labels.REASON_CALL_REQUESTED.format(since=formats.recent_moment(row.since, today))
    if row.call_reason == "no_reply":
        return labels.REASON_NO_REPLY.format(
            message=_message(company, row),
            days=formats.days(row.days_without_reply or 0),
            limit=formats.days(company.no_reply_days),
        )
    if row.replied_at is not None and row.call_detail == "opted_out":
        return labels.REASON_REPLIED_OPTED_OUT.format(
            replied_at=formats.recent_moment(row.replied_at, today)
        )
    why = _why(row, row.call_detail or row.whatsapp_status)
    if row.cycle_start is not None:
        start = formats.recent_moment(row.cycle_start, today)
        return labels.REASON_NOT_SENT_AGAIN.format(cycle_start=start, why=why)
    if row.call_detail == "other":
        grace = formats.hours(company.dispatch_grace_hours)
        return labels.REASON_NOT_SENT_LATE.format(why=why, grace=grace)
    return labels.REASON_NOT_SENT.format(why=why)


def wait_of(company: Company, row: AgendaRow) -> str:
    """Why the client must not be phoned yet, in one sentence with its evidence."""
    if row.wait_reason == "awaiting_reply":
        return labels.WAIT_REPLY.format(message=_message(company, row))
    why = _why(row, "other")
    if row.cycle_start is not None:
        start = formats.recent_moment(row.cycle_start, company.local_date)
        return labels.WAIT_GRACE_AGAIN.format(cycle_start=start, why=why)
    grace = formats.hours(company.dispatch_grace_hours)
    return labels.WAIT_GRACE.format(why=why, grace=grace)


def callable_from(company: Company, row: AgendaRow) -> str:
    """The moment from which a client who must not be phoned yet may be."""
    if row.callable_at is None:
        return labels.NOT_AVAILABLE
    return formats.recent_moment(formats.from_minute(row.callable_at), company.local_date)


def attempts_of(company: Company, row: AgendaRow) -> str:
    """The calls made in the cycle, with the last one's outcome."""
    if not row.attempts or row.last_attempt_at is None:
        return labels.ATTEMPTS_NONE
    pattern = labels.ATTEMPTS_ONE if row.attempts == 1 else labels.ATTEMPTS_MANY
    return pattern.format(
        count=formats.number(row.attempts),
        outcome=outcome_of(row),
        last=formats.recent_moment(row.last_attempt_at, company.local_date),
    )


def outcome_of(row: AgendaRow) -> str:
    """How the last call of the cycle ended; empty without one."""
    return labels.OUTCOMES.get(row.last_outcome or "", row.last_outcome or "")


def untried_of(row: AgendaRow) -> str:
    """How long the row has been on the list without a call; empty when it came today."""
    if row.days_untried is None:
        return ""
    return labels.UNTRIED.format(days=formats.days(row.days_untried))


def vehicle(model: str | None, plate: str | None) -> str:
    """A vehicle by model and plate."""
    if model is None and plate is None:
        return labels.NO_VEHICLE
    return f"{model or labels.NO_MODEL} · {plate or labels.NO_PLATE}"


def not_sent(row: AgendaRow) -> str:
    """Why no message went out, as the end of a sentence."""
    return _why(row, row.whatsapp_status)


def _message(company: Company, row: AgendaRow) -> str:
    sent = row.since or row.last_sent_at
    if sent is None:
        return labels.SIGNAL_NOT_SENT
    today = company.local_date
    text = labels.MESSAGE_SENT.format(sent=formats.recent_moment(sent, today))
    if row.delivered_at is not None:
        delivered = formats.moment_after(row.delivered_at, sent, today)
        text += labels.MESSAGE_DELIVERED.format(delivered=delivered)
    if row.read_at is not None:
        read = formats.moment_after(row.read_at, row.delivered_at or sent, today)
        text += labels.MESSAGE_READ.format(read=read)
    return text


def _why(row: AgendaRow, detail: str) -> str:
    if detail == "invalid_phone" and row.client_id is None:
        return labels.WHY_NO_CLIENT
    if detail == "other" and row.whatsapp_cause is not None:
        return labels.cause(row.whatsapp_cause).words
    return labels.NOT_SENT_DETAIL.get(detail, detail)
