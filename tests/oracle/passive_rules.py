"""R10 for one passive contact: who wrote, and into which bucket the contact goes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.calling import Callings
from tests.oracle.local_time import local_date
from tests.oracle.phones import client_phone_key, number_to_answer, phone_key
from tests.oracle.rows import Client, PassiveContact
from tests.oracle.world import World, grouped


@dataclass(frozen=True, slots=True)
class PassiveReading:
    """What R10 says about one contact; ids of what does not exist are null (R3)."""

    contact: PassiveContact
    client_id: str | None
    is_ambiguous: bool
    bucket: str
    agenda_id: str | None
    booking_id: str | None


def read_passive_contacts(world: World) -> list[PassiveReading]:
    """R10. The reading of every contact that has been made."""
    with_key = (
        (key, client)
        for client in world.clients.values()
        if (key := client_phone_key(client.ddd, client.mobile)) is not None
    )
    clients_of_key = {
        key: [client for _, client in pairs]
        for key, pairs in grouped(with_key, lambda pair: pair[0]).items()
    }
    return [_read(world, contact, clients_of_key) for contact in world.passive_contacts]


def _read(
    world: World, contact: PassiveContact, clients_of_key: dict[str, list[Client]]
) -> PassiveReading:
    key = phone_key(contact.whatsapp_number)
    matching = clients_of_key.get(key, []) if key is not None else []
    taken = max(matching, key=lambda client: (client.updated_at, client.client_id), default=None)
    booking_id = contact.booking_id if contact.booking_id in world.bookings else None
    return PassiveReading(
        contact=contact,
        client_id=taken.client_id if taken else None,
        is_ambiguous=len(matching) > 1,
        bucket=bucket(world, contact.menu_option, taken, booking_id),
        agenda_id=contact.agenda_id if contact.agenda_id in world.agendas else None,
        booking_id=booking_id,
    )


def bucket(world: World, menu_option: str, client: Client | None, booking_id: str | None) -> str:
    """R10. The bucket; `booking_id` is of a booking created by now, cancelled or not."""
    if menu_option == "book":
        has_vehicle = client is not None and client.client_id in world.owners_of_active_vehicles
        registered = has_vehicle and booking_id is not None
        return "booking_registered" if registered else "booking_unregistered"
    if menu_option == "service_orders":
        return "service_orders"
    return "other_registered" if client else "other_unregistered"


def passive_waiting(
    world: World, contacts: list[PassiveReading], callings: Callings
) -> list[dict[str, object]]:
    """R18. Contacts that nobody has answered."""
    return [
        {
            "contact_id": one.contact.contact_id,
            "company_id": one.contact.company_id,
            "contacted_at": one.contact.contacted_at,
            "contact_date": local_date(
                one.contact.contacted_at, world.zone(one.contact.company_id)
            ),
            "bucket": one.bucket,
            "client_id": one.client_id,
            "phone": number_to_answer(one.contact.whatsapp_number),
            "calls_refused": callings.refusal(one.client_id, None) is not None,
            "as_of": world.as_of,
        }
        for one in contacts
        if one.contact.menu_option in ("book", "other")
        and one.agenda_id is None
        and one.booking_id is None
        and one.contact.handled_at is None
    ]
