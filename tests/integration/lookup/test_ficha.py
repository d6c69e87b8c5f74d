"""The Ficha on the lookup page: whose it is, its phones, and what is recorded."""

from __future__ import annotations

import re
from html import escape, unescape
from random import Random
from urllib.parse import quote

import pytest
from starlette.applications import Starlette

from reports.lookup.grid_rows import ficha_address
from reports.lookup.masking import masked, masked_in
from reports.phone_detection import split_phones
from tests.integration.lookup.office import Browser, Office, token_of
from tests.integration.lookup.test_screen import signed_in


def agenda_of(office: Office, where: str, *values: object) -> tuple[str, str, str]:
    """An agenda with a client who has a mobile: its id, its company, the mobile as it is stored."""
    rows = office.sql(
        "select agenda_id, company_id, client.mobile from marts.agenda_status"
        " inner join marts.client using (client_id)"
        f" where length(client.mobile) >= 8 and client.ddd is not null and {where}"
        " order by agenda_id limit 1",
        *values,
    )
    agenda, company, mobile = rows[0]
    return str(agenda), str(company), str(mobile)


def test_an_attendant_sees_the_phones_of_their_own_row(app: Starlette, office: Office) -> None:
    agenda, company, mobile = agenda_of(office, "agent_id = %s", office.attendant.user_id)
    page = signed_in(app, office.attendant).get(f"/ficha/{agenda}?empresa={company}")
    assert page.status_code == 200
    assert mobile in unescape(page.text)
    assert "Mostrar telefones" not in page.text


def test_a_manager_sees_them_masked_and_reveals_them_on_the_record(
    app: Starlette, office: Office
) -> None:
    browser = signed_in(app, office.manager)
    (own,) = office.manager.company_ids
    # On a call list: the number also stands there as a link to phone.
    ((agenda, phone),) = office.sql(
        "select agenda_id, phone from marts.call_list where company_id = %s and phone is not null"
        " and agent_id is not null order by agenda_id limit 1",
        own,
    )
    phone = str(phone)
    address = f"/ficha/{agenda}?empresa={own}"
    page = browser.get(address).text
    assert phone not in page
    assert phone[-8:] not in page.replace("-", "").replace(" ", "")
    assert f"({phone[:2]}) {phone[2]}•••" in page
    assert "tel:" not in page
    action = re.search(r'<form class="filters reveal" method="post" action="([^"]+)">', page)
    assert action
    where = unescape(action[1])
    assert browser.post(where).status_code == 403, "no token"
    assert browser.post(where, data={"csrf": "x"}).status_code == 403
    assert '<select name="motivo" required>' in page
    token = token_of(page)
    for reason in ({}, {"motivo": ""}, {"motivo": "curiosity"}, {"motivo": "Outro"}):
        refused = browser.post(where, data={"csrf": token, **reason})
        assert refused.status_code == 400
        assert "Diga por que" in refused.text
    shown = browser.post(where, data={"csrf": token, "motivo": "call"})
    assert shown.status_code == 200
    assert f"tel:+55{phone}" in shown.text
    assert "Mostrar telefones" not in shown.text
    logged = office.sql(
        "select action, user_id, company_id, agenda_id, client_id is not null, details::text"
        " from access.access_log where agenda_id is not null order by log_id"
    )
    who = office.manager.user_id
    assert logged == [
        ("ficha_opened", who, own, agenda, True, "{}"),
        ("phone_revealed", who, own, agenda, True, '{"reason": "call"}'),
    ]
    log = browser.get("/acessos?acao=phone_revealed").text
    assert "motivo: Ligar para o cliente" in log


def test_a_manager_works_what_has_no_agent(app: Starlette, office: Office) -> None:
    (own,) = office.manager.company_ids
    agenda, _, mobile = agenda_of(office, "agent_id is null and company_id = %s", own)
    page = signed_in(app, office.manager).get(f"/ficha/{agenda}?empresa={own}").text
    assert mobile in unescape(page)
    assert "Mostrar telefones" not in page


@pytest.mark.parametrize("who", ["manager", "attendant"])
def test_the_ficha_of_an_agenda_that_is_not_yours_is_not_there(
    app: Starlette, office: Office, who: str
) -> None:
    person = getattr(office, who)
    browser = signed_in(app, person)
    token = token_of(browser.get("/senha").text)
    foreign = office.sql(
        "select agenda_id, company_id from marts.agenda_status"
        " where not company_id = any(%s) or (%s and agent_id is distinct from %s)",
        sorted(person.company_ids),
        who == "attendant",
        person.user_id,
    )
    (own,) = person.company_ids
    sample = Random(1).sample(foreign, 500)
    for agenda, company in sample:
        address = f"/ficha?empresa={company}&agenda={quote(str(agenda))}"
        assert browser.get(address).status_code == 404
    for agenda, company in sample[:40]:
        for of_company in (own, ""):
            assert browser.get(f"/ficha/{agenda}?empresa={of_company}").status_code == 404
        address = f"/ficha/{agenda}?empresa={company}"
        assert browser.post(address, data={"csrf": token}).status_code == 404
    assert not office.sql("select from access.access_log where agenda_id is not null")


@pytest.mark.parametrize(
    "agenda", ["", "x" * 65, "%00", "'; drop table marts.client --", "<script>", "a/b/../c", "%2F"]
)
def test_an_id_that_is_none_is_not_found(app: Starlette, office: Office, agenda: str) -> None:
    browser = signed_in(app, office.director)
    for address in (f"/ficha/{agenda}", f"/ficha?agenda={agenda}"):
        answer = browser.get(address)
        assert answer.status_code == 404
        assert "<script>" not in answer.text


@pytest.mark.parametrize("odd", [".", "..", "a/../b", "a&agenda=b", "+", "%2e", "#", "a b"])
def test_every_id_has_an_address(app: Starlette, office: Office, odd: str) -> None:
    agenda, company, _ = agenda_of(office, "agent_id is not null")
    rename = "update marts.agenda_status set agenda_id = %s where agenda_id = %s"
    office.sql(rename, odd, agenda)
    try:
        browser = signed_in(app, office.director)
        answer = browser.get(ficha_address(str(company), odd))
        assert answer.status_code == 200
        assert escape(odd) in answer.text.partition('class="ficha"')[2]
        (reveal,) = re.findall(r'<form[^>]* action="(/ficha[^"]+)"', answer.text)
        token = token_of(answer.text)
        fields = {"csrf": token, "motivo": "other"}
        assert browser.post(unescape(reveal), data=fields).status_code == 200
    finally:
        office.sql(rename, agenda, odd)


def test_nobody_signed_in_opens_no_ficha(browser: Browser, office: Office) -> None:
    agenda, company, mobile = agenda_of(office, "true")
    answer = browser.get(f"/ficha/{agenda}?empresa={company}")
    assert answer.status_code == 401
    assert mobile not in answer.text


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("(11) 98765-4321", "(11) 9••••-••21"),
        ("(21) 3333-4444", "(21) 3•••-••44"),
        ("11 987654321", "11 9••••••21"),
        ("3333-4444", "••••-••44"),
        ("123456", "••••56"),
        ("12345", "•••••"),
        ("não informado", "não informado"),
        ("", ""),
    ],
)
def test_a_masked_phone_cannot_be_phoned(phone: str, shown: str) -> None:
    assert masked(phone) == shown


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("ligar no (11) 98765-4321 à tarde", "ligar no (11) 9••••-••21 à tarde"),
        ("fone 11987654321.", "fone 119••••••21."),
        ("novo: +55 11 9 8765 4321; ou 3333-4444", "novo: +55 1• • •••• ••21; ou ••••-••44"),
        ("Por Bia: volta em 20/11/2026, às 14:30", "Por Bia: volta em 20/11/2026, às 14:30"),
        ("R$ 1.200,00 em 12 vezes", "R$ 1.200,00 em 12 vezes"),
        ("12345678 <b>", "••••••78 <b>"),
        ("98765–4321; ou 98765\u20114326", "•••••–••21; ou •••••\u2011••26"),
        ("9 8765/4323 ou 98765_4324", "• ••••/••23 ou •••••_••24"),
        ("98765 -- 4328, ou 98765\u200b4333", "••••• -- ••28, ou •••••\u200b••33"),
        ("agendou 20/11/2026 14:30", "agendou 20/11/2026 14:30"),
        ("20/11/2026 98765-4321", "20/11/2026 •••••-••21"),
        ("", ""),
    ],
)
def test_a_number_that_somebody_noted_is_masked(note: str, shown: str) -> None:
    assert "".join(piece.text for piece in masked_in(split_phones(note))) == shown


def test_a_number_in_a_note_is_for_those_who_work_the_row(app: Starlette, office: Office) -> None:
    (own,) = office.manager.company_ids
    ((agenda, attempt, note),) = office.sql(
        "select agenda_id, attempt_id, phone_call.note"
        " from marts.phone_call inner join marts.agenda_status using (company_id, agenda_id)"
        " where company_id = %s and agenda_status.agent_id = %s order by attempt_id limit 1",
        own,
        office.attendant.user_id,
    )
    change = "update marts.phone_call set note = %s where company_id = %s and attempt_id = %s"
    office.sql(change, "ligar no 11 91234-8765 <i>", own, attempt)
    try:
        address = f"/ficha/{agenda}?empresa={own}"
        assert "ligar no <bdi>11 91234-8765</bdi> &lt;i&gt;" in (
            signed_in(app, office.attendant).get(address).text
        )
        masked_page = signed_in(app, office.manager).get(address).text
        assert "91234" not in masked_page
        assert "11 9••••-••65" in masked_page
    finally:
        office.sql(change, note, own, attempt)
