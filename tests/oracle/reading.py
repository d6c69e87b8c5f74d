"""The published tables of section 4, read from the source rows without a database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tests.oracle.agenda_rules import Reading, read_agenda
from tests.oracle.calling import Callings
from tests.oracle.day import day_activity
from tests.oracle.history import bookings, clients, dispatches, funnel, phone_calls, replies
from tests.oracle.jobs import call_done, call_list, call_waiting, dispatch_due, no_show_return
from tests.oracle.local_time import local_date
from tests.oracle.passive_rules import PassiveReading, passive_waiting, read_passive_contacts
from tests.oracle.rows import SourceRows
from tests.oracle.totals import history, other_detail, sending_alarm, totalizer, totalizer_row
from tests.oracle.world import World, world_as_of

Row = dict[str, object]


def publish(
    rows: SourceRows,
    as_of: datetime,
    known_errors: Mapping[str, str],
    group_timezone: str = "America/Sao_Paulo",
) -> dict[str, list[Row]]:
    """Every published table as of that instant, with exactly the columns of `comparison.py`.

    `totalizer_history` is the set of the one day of as_of in the group's time zone.
    """
    world = world_as_of(rows, as_of)
    agendas = [read_agenda(world, agenda, known_errors) for agenda in world.agendas.values()]
    contacts = read_passive_contacts(world)
    callings = Callings(world, agendas)
    total_rows = totalizer_row(world, agendas, contacts)
    totals = totalizer(total_rows)
    return {
        "agenda_status": [_agenda_status(world, one, callings) for one in agendas],
        "passive_contact_status": [_passive_contact_status(world, one) for one in contacts],
        "totalizer": totals,
        "totalizer_history": history(totals, local_date(as_of, group_timezone), world.as_of),
        "sending_alarm": sending_alarm(world, agendas),
        "call_list": call_list(world, callings),
        "no_show_return": no_show_return(world, agendas),
        "dispatch_due": dispatch_due(world, agendas),
        "call_waiting": call_waiting(world, agendas, callings),
        "call_done": call_done(world, agendas, callings),
        "phone_call": [*phone_calls(world, agendas)],
        "passive_waiting": passive_waiting(world, contacts, callings),
        "day_activity": day_activity(world, agendas),
        "client": clients(world),
        "dispatch": [*dispatches(world, agendas, known_errors)],
        "reply": [*replies(world, agendas)],
        "booking": [*bookings(world, agendas)],
        "funnel": funnel(world, agendas),
        "totalizer_row": total_rows,
    }


def _agenda_status(world: World, one: Reading, callings: Callings) -> Row:
    call = callings.states.get(one.agenda.agenda_id)
    agenda, booking = one.agenda, one.latest_booking
    return {
        "agenda_id": agenda.agenda_id,
        "company_id": agenda.company_id,
        "contact_date": agenda.contact_date,
        "campaign_id": world.campaign_of_event_type[agenda.event_type_id],
        "event_type_id": agenda.event_type_id,
        "team_id": agenda.team_id,
        "agent_id": agenda.agent_id,
        "client_id": agenda.client_id,
        "vehicle_id": agenda.vehicle_id,
        "origin": agenda.origin,
        "is_open": one.is_open,
        "whatsapp_status": one.status,
        "whatsapp_cause": one.cause,
        "last_sent_at": one.last_sent_at,
        "is_no_show": one.no_show is not None,
        "no_show_kind": one.no_show.kind if one.no_show else None,
        "no_show_at": one.no_show.at if one.no_show else None,
        "cycle_start": one.cycle_start,
        "response": one.response,
        "loss_reason_id": one.loss_reason_id,
        "replied_at": one.latest_reply.replied_at if one.latest_reply else None,
        "days_without_reply": one.days_without_reply,
        "booking_id": booking.booking_id if booking else None,
        "booked_for": booking.scheduled_for if booking else None,
        "other_detail": other_detail(world, one),
        "call_reason": one.due.reason if one.due else None,
        "call_detail": one.due.detail if one.due else None,
        "call_state": call.state if call else None,
        "as_of": world.as_of,
    }


def _passive_contact_status(world: World, one: PassiveReading) -> Row:
    contact = one.contact
    return {
        "contact_id": contact.contact_id,
        "company_id": contact.company_id,
        "contact_date": local_date(contact.contacted_at, world.zone(contact.company_id)),
        "client_id": one.client_id,
        "is_ambiguous": one.is_ambiguous,
        "bucket": one.bucket,
        "agenda_id": one.agenda_id,
        "booking_id": one.booking_id,
        "as_of": world.as_of,
    }
