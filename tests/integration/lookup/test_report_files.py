"""The generated pages: to whom they belong, and not there for anybody else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from random import Random
from urllib.parse import urljoin

import pytest
from starlette.applications import Starlette

from reports.lookup import report_files
from reports.lookup.users import User
from reports.paths import company_folder, fichas_file, list_file
from tests.integration.lookup.office import Browser, Office, Person, token_of


def every_file(office: Office) -> list[str]:
    """Every file of the publish folder, by its address."""
    return sorted(
        path.relative_to(office.publish_dir).as_posix()
        for path in office.publish_dir.rglob("*")
        if path.is_file() and "current" not in path.parts
    )


def expected_of(office: Office, person: Person) -> set[str]:
    """What R14 gives a person, said in another way than the app does."""
    own = set()
    for path in every_file(office):
        parts = path.split("/")
        of_company = next((c for c in person.company_ids if company_folder(c) in parts), None)
        is_director, is_manager = person is office.director, person is office.manager
        if is_director or (is_manager and of_company):
            own.add(path)
        elif of_company and not is_manager:
            stem = list_file(person.user_id).removesuffix(".html")
            digest = stem.removeprefix("lista-")
            if parts[2].split(".")[0] == stem or parts[2].startswith(f"fichas-{digest}-"):
                own.add(path)
    return own


def is_of_others(path: str, person: Person) -> bool:
    """Whether a file is a list, or Fichas, of another agent than the person."""
    own = list_file(person.user_id).removeprefix("lista-").removesuffix(".html")
    found = re.search(r"/(?:lista|fichas)-([0-9a-f]{16})", path)
    return found is not None and found[1] != own


def without_links(page: bytes) -> list[str]:
    """What a page says in its content, whatever leads on from it."""
    text = page.decode("utf-8", "replace").partition("<main")[2] or repr(page)
    return re.sub(r"</?(?:a|span|li)\b[^>]*>", "", text).split()


def links_of(page: str) -> set[str]:
    """Every address that a page leads to, but places in itself and phones."""
    return {unescape(href) for href in re.findall(r'href="((?!#|tel:)[^"]+)"', page)}


@pytest.mark.parametrize("who", ["director", "manager", "attendant"])
def test_every_link_of_a_page_opens(app: Starlette, office: Office, who: str) -> None:
    person: Person = getattr(office, who)
    browser = Browser(app)
    browser.sign_in(person.login)
    sought, seen = links_of(browser.get("/listas").text), set()
    while sought - seen and len(seen) < 60:
        # One of each kind of page before the second of a kind.
        rest = sorted(sought - seen)
        kinds = {re.sub(r"[0-9a-f]{16}|\d+", "", one): one for one in rest}
        for path in kinds.values():
            seen.add(path)
            answer = browser.get(path)
            assert answer.status_code == 200, path
            if path.startswith("/relatorios/") and path.endswith(".html"):
                sought |= {urljoin(path, href).partition("#")[0] for href in links_of(answer.text)}
    assert len(seen) > (20 if who == "manager" else 4)


def test_what_does_not_lead_on_stays_as_text(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.attendant.login)
    (company,) = office.attendant.company_ids
    path = f"current/{company_folder(company)}/{list_file(office.attendant.user_id)}"
    page = browser.get(f"/relatorios/{path}").text
    assert "Qualidade dos dados" in (office.publish_dir / path).read_text(encoding="utf-8")
    assert "Qualidade dos dados" not in page
    assert "fichas-" in page
    assert 'href="tel:' in page


@pytest.mark.parametrize("who", ["director", "manager", "attendant", "colleague"])
def test_each_file_is_there_for_whom_it_belongs_to_and_for_nobody_else(
    app: Starlette, office: Office, who: str
) -> None:
    person: Person = getattr(office, who)
    browser = Browser(app)
    browser.sign_in(person.login)
    own, paths = expected_of(office, person), every_file(office)
    assert own
    assert len(paths) > 100
    if who != "director":
        assert own < set(paths)
    # All that is theirs, and of what is not a sample and every kind of name.
    foreign = [path for path in paths if path not in own]
    kinds = {re.sub(r"[0-9a-f]{16}", "…", path): path for path in foreign}
    sample = Random(1).sample(foreign, min(60, len(foreign)))
    for path in {*sorted(own)[:80], *kinds.values(), *sample}:
        answer = browser.get(f"/relatorios/{path}")
        assert answer.status_code == (200 if path in own else 404), path
        if path in own and not is_of_others(path, person):
            stored = (office.publish_dir / path).read_bytes()
            assert without_links(answer.content) == without_links(stored)
            assert answer.content == stored or (who != "director" and path.endswith(".html"))


def test_current_leads_to_the_edition_that_is_read(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.attendant.login)
    (company,) = office.attendant.company_ids
    path = f"{company_folder(company)}/{list_file(office.attendant.user_id)}"
    now = browser.get(f"/relatorios/current/{path}")
    assert now.status_code == 200
    assert now.content == browser.get(f"/relatorios/{office.edition}/{path}").content


def test_a_page_keeps_its_own_policy_and_nobody_frames_it(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.director.login)
    folder = company_folder(office.companies[0])
    for path in ("index.html", f"{folder}/index.html", f"{folder}/agendas-ativas.html"):
        answer = browser.get(f"/relatorios/current/{path}")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        meta = re.search(r'Content-Security-Policy" content="([^"]+)"', answer.text)
        assert meta
        assert policy == meta[1].replace("&#39;", "'") + "; frame-ancestors 'none'"
        assert policy.count("'sha256-") >= 2


def test_files_to_take_away_are_attachments(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.manager.login)
    (company,) = office.manager.company_ids
    for ending, kind in (("csv", "text/csv; charset=utf-8"), ("xlsx", "application/vnd.openxml")):
        answer = browser.get(f"/relatorios/current/{company_folder(company)}/no-show.{ending}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == f'attachment; filename="no-show.{ending}"'
        assert answer.headers["content-type"].startswith(kind)


def test_opening_and_taking_are_in_the_access_log(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.manager.login)
    (company,) = office.manager.company_ids
    folder = company_folder(company)
    for path in ("index.html", "sem-agente.html", "no-show.csv"):
        assert browser.get(f"/relatorios/current/{folder}/{path}").status_code == 200
    assert browser.get("/relatorios/current/nothing.html").status_code == 404
    logged = office.sql(
        "select action, user_id, company_id, details ->> 'file', details ->> 'edition'"
        " from access.access_log where action like 'report%%' order by log_id"
    )
    who = office.manager.user_id
    assert logged == [
        ("report_opened", who, company, "sem-agente.html", office.edition),
        ("report_taken", who, company, "no-show.csv", office.edition),
    ]


def a_list_of_others(office: Office, person: Person) -> tuple[str, str, list[str]]:
    """A list with phones in a company of a manager's: its company, address without an ending,
    phones as they stand in the database.
    """
    ((company, agent_id),) = office.sql(
        "select company_id, agent_id from marts.call_list where company_id = any(%s)"
        " and phone is not null and agent_id is not null"
        " group by company_id, agent_id order by count(*) desc limit 1",
        sorted(person.company_ids),
    )
    phones = office.sql(
        "select phone from marts.call_list"
        " where company_id = %s and agent_id = %s and phone is not null",
        company, agent_id,
    )  # fmt: skip
    name = list_file(str(agent_id)).removesuffix(".html")
    return (
        str(company),
        f"{company_folder(str(company))}/{name}",
        [str(phone) for (phone,) in phones],
    )


def digits_of(page: str) -> str:
    """What is read of a page, numbers without signs between their digits."""
    return re.sub(r"[ ().-]", "", unescape(page.partition("<main")[2]))


@pytest.mark.parametrize("who", ["manager", "director"])
@pytest.mark.parametrize("edition", ["current", ""])
def test_phones_of_others_lists_and_fichas_are_masked(
    app: Starlette, office: Office, who: str, edition: str
) -> None:
    person: Person = getattr(office, who)
    browser = Browser(app)
    browser.sign_in(person.login)
    _, path, phones = a_list_of_others(office, person)
    assert len(phones) > 2
    digest = path.rpartition("-")[2]
    for page in (f"{path}.html", f"{path.rpartition('/')[0]}/fichas-{digest}-1.html"):
        address = f"/relatorios/{edition or office.edition}/{page}"
        stored = (office.publish_dir / office.edition / page).read_text(encoding="utf-8")
        answer = browser.get(address)
        assert answer.status_code == 200
        assert f"tel:+55{phones[0]}" in stored
        assert "tel:" not in answer.text
        shown, was = digits_of(answer.text), digits_of(stored)
        assert any(phone in was for phone in phones)
        for phone in phones:
            assert phone[-8:] not in shown
        assert f"({phones[0][:2]}) {phones[0][2]}•••" in answer.text
        assert " download>" not in answer.text


def test_an_attendant_sees_the_phones_of_their_own_list(app: Starlette, office: Office) -> None:
    (company,) = office.attendant.company_ids
    path = f"{company_folder(company)}/{list_file(office.attendant.user_id)}"
    browser = Browser(app)
    browser.sign_in(office.attendant.login)
    answer = browser.get(f"/relatorios/current/{path}")
    assert 'href="tel:+55' in answer.text
    assert "•" not in answer.text
    for ending in ("csv", "xlsx"):
        taken = browser.get(f"/relatorios/current/{path.replace('html', ending)}")
        assert taken.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_file_of_anothers_list_is_asked_for_with_a_reason(
    app: Starlette, office: Office, ending: str
) -> None:
    browser = Browser(app)
    browser.sign_in(office.manager.login)
    company, path, phones = a_list_of_others(office, office.manager)
    address = f"/relatorios/current/{path}.{ending}"
    asked = browser.get(address)
    assert asked.status_code == 200
    assert asked.headers["content-type"].startswith("text/html")
    assert "Baixar com telefones" in asked.text
    assert f'action="{address.rpartition("/")[2]}"' in asked.text
    assert browser.post(address).status_code == 403
    token = token_of(asked.text)
    assert browser.post(address, data={"csrf": token}).status_code == 400
    fields = {"csrf": token, "motivo": "substitute"}
    for other in (f"{path}.html", path.replace("lista", "nada") + ".csv"):
        assert browser.post(f"/relatorios/current/{other}", data=fields).status_code == 404
    taken = browser.post(address, data=fields)
    name = f"{path.rpartition('/')[2]}.{ending}"
    assert taken.status_code == 200
    assert taken.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert taken.content == (office.publish_dir / office.edition / f"{path}.{ending}").read_bytes()
    ((rows,),) = office.sql(
        "select count(*) from marts.call_list where company_id = %s and agent_id ="
        " (select agent_id from marts.call_list where company_id = %s and phone = %s limit 1)",
        company, company, phones[0],
    )  # fmt: skip
    logged = office.sql(
        "select action, user_id, company_id, details from access.access_log"
        " where action like 'report%%' or action like 'phone%%'"
    )
    details = {
        "file": name, "edition": office.edition, "rows": str(rows), "reason": "substitute",
    }  # fmt: skip
    assert logged == [("phone_revealed", office.manager.user_id, company, details)]


def test_what_has_no_agent_is_the_managers_to_work(
    app: Starlette, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo has no such client to phone: another's list stands for theirs."""
    company, path, phones = a_list_of_others(office, office.manager)
    monkeypatch.setattr(report_files, "list_of", lambda agent: (
        f"{path.rpartition('/')[2]}.html" if agent is None else list_file(agent)
    ))  # fmt: skip
    browser = Browser(app)
    browser.sign_in(office.manager.login)
    assert f"tel:+55{phones[0]}" in browser.get(f"/relatorios/current/{path}.html").text
    taken = browser.get(f"/relatorios/current/{path}.csv")
    assert taken.headers["content-type"].startswith("text/csv")
    logged = office.sql("select action, company_id from access.access_log order by log_id")
    assert logged[1:] == [("report_opened", company), ("report_taken", company)]


def test_500_ids_of_others_are_not_found(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.attendant.login)
    (company,) = office.attendant.company_ids
    folder = company_folder(company)
    others = [
        str(user) for (user,) in office.sql(
            "select user_id from raw.app_user where user_id <> %s", office.attendant.user_id
        )
    ]  # fmt: skip
    ids = [*others, *(f"U{number:05d}" for number in range(90_000, 90_500))][:500]
    for number, user in enumerate(ids):
        name = (
            list_file(user),
            list_file(user).replace(".html", ".csv"),
            list_file(user).replace(".html", ".xlsx"),
            fichas_file(user, 1),
        )[number % 4]
        answer = browser.get(f"/relatorios/current/{folder}/{name}")
        assert answer.status_code == 404
        assert "Não encontrado" in answer.text
    assert office.sql("select count(*) from access.access_log where action like 'report%%'") == [
        (0,)
    ]


HOSTILE = (
    "../access.log", "current/../../secret.html", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/x.html",
    "current/%2e%2e/qualidade.html", "/etc/passwd", "current//index.html", "current/index.html/",
    "current/index.html\x00.html", "current/.html", "current/a.py", ".current.new", "index.html",
    "current\\index.html", "current/INDEX.HTML", "", "current", "current/", "CURRENT/index.html",
    "current/empresa-*/index.html", "'; drop table x; --.html",
    "2026-11-20T133000Z-x.partial/a.html",
    "current/planted.html", "planted/index.html", "current/empresa-planted/index.html", "x.html",
)  # fmt: skip


def test_hostile_addresses_lead_nowhere(app: Starlette, office: Office, tmp_path: Path) -> None:
    (tmp_path / "secret.html").write_text("secret")
    planted = office.publish_dir / "planted"
    link = office.publish_dir / office.edition / "planted.html"
    planted.mkdir()
    (planted / "index.html").write_text("secret")
    link.symlink_to(tmp_path / "secret.html")
    try:
        browser = Browser(app)
        browser.sign_in(office.director.login)
        for path in HOSTILE:
            answer = browser.get("/relatorios/" + path.replace("\x00", "%00"))
            assert answer.status_code in (404, 307, 400), path
            assert "secret" not in answer.text
    finally:
        link.unlink()
        (planted / "index.html").unlink()
        planted.rmdir()


def test_group_pages_need_every_company_of_that_edition(tmp_path: Path) -> None:
    edition = tmp_path / "2026-11-20T133000Z-x"
    for company in ("a", "b"):
        (edition / company_folder(company)).mkdir(parents=True)
    (edition / "index.html").write_text("group")

    def sees(role: str, *companies: str) -> bool:
        user = User("u", "u", "U", role, companies[0], companies)
        return report_files.has(tmp_path, user, f"{edition.name}/index.html")

    assert sees("manager", "a", "b")
    assert sees("manager", "a", "b", "c")
    assert not sees("manager", "a")
    assert not sees("manager", "a", "c")
    assert not sees("attendant", "a", "b")
    assert not sees("", "a", "b")


def test_the_pages_beside_the_editions_need_every_company(tmp_path: Path) -> None:
    edition = tmp_path / "2026-11-20T133000Z-x"
    for company in ("a", "b"):
        (edition / company_folder(company)).mkdir(parents=True)
    for name in ("qualidade.html", "edicoes.html"):
        (tmp_path / name).write_text("x")

    def opens(*companies: str) -> list[bool]:
        user = User("u", "u", "U", "manager", companies[0], companies)
        names = ("qualidade.html", "edicoes.html")
        return [report_files.has(tmp_path, user, name) for name in names]

    assert opens("a", "b") == [False, False], "nobody is of the whole group before an edition"
    (tmp_path / "current").symlink_to(edition.name)
    assert opens("a", "b") == [True, True]
    assert opens("a") == [False, False]


@pytest.fixture
def older(office: Office) -> Iterator[str]:
    """An edition of the day before, with the same pages as the current one."""
    name = "2026-11-19T133000Z-00001111"
    shutil.copytree(office.publish_dir / office.edition, office.publish_dir / name)
    yield name
    shutil.rmtree(office.publish_dir / name)


def test_an_older_edition_is_whole_for_who_may_see_all_of_it_and_for_nobody_else(
    app: Starlette, office: Office, older: str
) -> None:
    (company,) = office.manager.company_ids
    folder = company_folder(company)
    pages = (
        "index.html",
        f"{folder}/index.html",
        f"{folder}/no-show.html",
        f"{folder}/no-show.csv",
    )
    own = f"{folder}/{list_file(office.attendant.user_id)}"
    for person in (office.manager, office.attendant, office.colleague, office.director):
        browser = Browser(app)
        browser.sign_in(person.login)
        for path in (*pages, own):
            answer = browser.get(f"/relatorios/{older}/{path}")
            assert answer.status_code == (200 if person is office.director else 404), path
            if person is office.director and path != own:
                assert answer.content == (office.publish_dir / older / path).read_bytes()
                policy = answer.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                if path.endswith(".html"):
                    meta = re.search(r'Content-Security-Policy" content="([^"]+)"', answer.text)
                    assert meta
                    words = unescape(meta[1]).replace(";", " ").split()
                    assert set(words) <= set(policy.replace(";", " ").split())
                assert policy.endswith("frame-ancestors 'none'") or path.endswith(".csv")


def test_phones_in_an_older_edition_are_asked_for_with_a_reason(
    app: Starlette, office: Office, older: str
) -> None:
    browser = Browser(app)
    browser.sign_in(office.director.login)
    company, path, phones = a_list_of_others(office, office.director)
    stored = (office.publish_dir / older / f"{path}.html").read_bytes()
    address = f"/relatorios/{older}/{path}.html"
    asked = browser.get(address)
    assert "Abrir com telefones" in asked.text
    assert phones[0][-8:] not in digits_of(asked.text)
    token = token_of(asked.text)
    assert browser.post(address, data={"csrf": token}).status_code == 400
    opened = browser.post(address, data={"csrf": token, "motivo": "substitute"})
    assert opened.content == stored
    assert office.sql(
        "select action, company_id, details from access.access_log where action <> 'signed_in'"
    ) == [
        ("phone_revealed", company,
         {"file": address.rpartition("/")[2], "edition": older, "reason": "substitute"}),
    ]  # fmt: skip


def test_pages_wait_for_the_tables_of_their_own_edition(app: Starlette, office: Office) -> None:
    """As after an update, or between the two steps of going back from a publication that failed."""
    facts = office.publish_dir / office.edition / "edition.json"
    kept = facts.read_text(encoding="utf-8")
    browser = Browser(app)
    browser.sign_in(office.director.login)
    try:
        for changed in (kept.replace("2026-11-20T13:30", "2026-11-20T15:30", 1), "{}"):
            facts.write_text(changed, encoding="utf-8")
            answer = browser.get("/relatorios/current/index.html")
            assert answer.status_code == 503
            assert "não são da mesma execução" in answer.text
            assert browser.get("/relatorios/current/grupo-no-show.csv").status_code == 200
    finally:
        facts.write_text(kept, encoding="utf-8")


def test_an_edition_that_went_away_is_not_found(app: Starlette, office: Office) -> None:
    browser = Browser(app)
    browser.sign_in(office.director.login)
    assert browser.get("/relatorios/2020-01-01T000000Z-gone/index.html").status_code == 404


def test_the_page_of_lists_leads_only_to_what_opens(app: Starlette, office: Office) -> None:
    for person, expected in (
        (office.director, {"Relatório do grupo", "Relatório do gerente", "Qualidade dos dados"}),
        (office.manager, {"Relatório do gerente"}),
        (office.attendant, {"Minha lista de ligação"}),
    ):
        browser = Browser(app)
        browser.sign_in(person.login)
        page = browser.get("/listas").text
        links = re.findall(r'<a href="(/relatorios/[^"]+)">([^<]+)</a>', page)
        assert expected <= {text for _, text in links}
        assert ("Qualidade dos dados" in page) is (person is office.director)
        assert ("Edições anteriores" in page) is (person is office.director)
        for href, _ in links:
            assert browser.get(href).status_code == 200
        headings = re.findall(r"<h2><bdi>", page)
        assert len(headings) == len(person.company_ids)
