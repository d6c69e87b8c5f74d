"""R4, R10 and R15 on 25,184 real phone fields, the published tables against the other path.

The strings are Brazilian federal open data kept beside the repository; without them this skips.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.postgres.database import Database
from tests.oracle import warehouse
from tests.oracle.comparison import differences
from tests.oracle.failure_causes import KNOWN_ERRORS
from tests.oracle.reading import publish
from tests.oracle.rows import (
    Agenda,
    Campaign,
    Client,
    Company,
    EventType,
    PassiveContact,
    SourceRows,
)

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
CREATED = AS_OF - timedelta(days=9)


@pytest.fixture(scope="module")
def strings(root: Path) -> list[str]:
    """The phone fields as they were written, without the header."""
    path = root.parent / "shared" / "data" / "br_phones" / "telefones_sem_padrao.txt"
    if not path.exists():
        pytest.skip("the real phone strings are not beside this checkout")
    return path.read_text(encoding="utf-8").splitlines()[1:]


def split(text: str, way: int) -> tuple[str | None, str | None]:
    """DDD and mobile of one string, divided in one of four ways."""
    if way == 3:
        return "11", text or None
    after_bracket = text.find(")") + 1 or 2
    at = (2, 3, after_bracket)[way]
    return text[:at] or None, text[at:] or None


def delivery_of(strings: list[str]) -> SourceRows:
    """Every string as a client's phone, an agenda's landline and a WhatsApp number."""
    rows = SourceRows(
        company=[Company("c", "Empresa")],
        campaign=[Campaign("k", "Campanha", True)],
        event_type=[EventType("e", "k", "Revisão")],
    )
    for number, text in enumerate(strings):
        name = f"{number:05}"
        ddd, mobile = split(text, number % 4)
        landline = text or None
        rows.client.append(Client(name, CREATED, "Cliente", ddd, mobile, landline, None, True))
        rows.agenda.append(
            Agenda(
                name,
                CREATED,
                "c",
                name,
                None,
                "e",
                None,
                None,
                "active",
                date(2026, 11, 1),
                CREATED,
            )
        )
        whatsapp = f"{('', '55', '+55 ')[number % 3]}{text}" or None
        rows.passive_contact.append(PassiveContact(name, CREATED, "c", whatsapp, "other", CREATED))
    return rows


@pytest.mark.parametrize("every", [17, pytest.param(1, marks=pytest.mark.proof)])
def test_every_real_phone_is_read_alike(
    database: Database, strings: list[str], tmp_path: Path, every: int
) -> None:
    assert len(strings) == 25_184
    rows = delivery_of(strings[::every])
    warehouse.load(database, rows, tmp_path / "delivery", seed=0)
    warehouse.publish(database, AS_OF, tmp_path / "dbt")
    expected = publish(rows, AS_OF, KNOWN_ERRORS)
    statuses = {row["whatsapp_status"] for row in expected["agenda_status"]}
    assert statuses == {"other", "invalid_phone"}
    assert {row["bucket"] for row in expected["passive_contact_status"]} == {
        "other_registered",
        "other_unregistered",
    }
    found = differences(expected, warehouse.read_published(database, AS_OF))
    assert not found, "\n".join(found)
