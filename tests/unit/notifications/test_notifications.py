"""Alarms: each told once when it begins and once when it ends, by each channel, come what may."""

from __future__ import annotations

import email
import email.policy
import errno
import hashlib
import hmac
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import psycopg
import pytest
from pipeline import Program, environment
from receiver import Receiver, mailbox, webhook

from orchestration.maintenance.post_run import record_failure
from orchestration.monitoring import metrics
from orchestration.notifications import alarm_file, chat, messages
from orchestration.notifications.alarms import Alarm, PendingNotification, installation
from orchestration.notifications.dispatcher import (
    dispatch_notifications,
    notify_without_database,
    send_test_messages,
)
from orchestration.notifications.webhook import SIGNATURE
from orchestration.postgres import locks
from orchestration.postgres.database import Database
from orchestration.runs.bootstrap import open_database
from orchestration.runs.run_result import RunResult
from orchestration.sensors import build_sensors
from orchestration.settings import Settings, SettingsError, load_settings
from tests.unit.reports.ops_tables import fail, publish

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)  # noon in São Paulo, a Friday
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATENDIMENTO_HOME", str(tmp_path))


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as conn:
        conn.autocommit = True
        publish(conn, "run-1", NOW - 2 * HOUR, 5)
        yield conn


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with webhook() as receiver:
        yield receiver


def settings(**changes: object) -> Settings:
    loaded = load_settings(Path("/nonexistent/.env"))
    return Settings(_env_file=None, **{**loaded.model_dump(), **changes})  # type: ignore[call-arg]


def tell(database: Database, *hooks: Receiver, at: datetime = NOW, **changes: object) -> list[str]:
    urls = ",".join(hook.url for hook in hooks)
    return dispatch_notifications(settings(notify_webhooks=urls, **changes), database, now=at)


def tell_away(given: Settings) -> list[str]:
    return notify_without_database(given, "database_away", {})


def published_tables(conn: psycopg.Connection, until: datetime) -> None:
    """As much of what is published as alarms are read from."""
    conn.execute(
        """
        create schema marts;
        create table marts.company (company_id text, name text);
        insert into marts.company values ('c1', 'Um'), ('c2', E'Dois\nBcc: x');
        create table marts.source_freshness (table_name text, data_until timestamptz);
        create table marts.sending_alarm
            (company_id text, cause text, agenda_count bigint, oldest_since timestamptz);
        """
    )
    conn.execute("insert into marts.source_freshness values ('agenda', %s)", [until])


def test_nothing_wrong_is_nothing_told(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    assert tell(database, hook) == []
    assert hook.bodies == []


def test_a_failure_is_told_once_while_it_lasts_and_once_when_it_is_over(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "agenda.csv is bad\nand more", "DeliveryRefused")
    tell(database, hook)
    tell(database, hook)
    fail(conn, "run-3", NOW + HOUR, "another", "BuildFailed")
    tell(database, hook)
    assert hook.news == [(["run_failed"], [])]
    publish(conn, "run-4", NOW + 2 * HOUR, 5)
    tell(database, hook)
    tell(database, hook)
    assert hook.news == [(["run_failed"], []), ([], ["run_failed"])]
    (told, over) = hook.messages
    assert told["subject"] == "A execução falhou"
    assert "Em 20/11/2026 12:00. Entrega recusada: agenda.csv is bad Continua" in told["text"]
    assert "O que fazer:" in told["text"]
    assert over["subject"] == "Resolvido: A execução falhou"
    fail(conn, "run-5", NOW + 3 * HOUR, "again", "BuildFailed")
    tell(database, hook)
    assert hook.news[2:] == [(["run_failed"], [])]


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("ChecksStopped", "Uma verificação parou a publicação"),
        ("DagsterAssetCheckFailedError", "Uma verificação parou a publicação"),
        ("RunDied", "O processo da execução morreu"),
        ("", "A execução falhou"),
    ],
)
def test_how_a_run_ended_is_said_and_a_trace_is_not(
    database: Database, conn: psycopg.Connection, hook: Receiver, kind: str, title: str
) -> None:
    fail(conn, "run-2", NOW, "said" if kind else "Traceback: Maria Silva 11987654321", kind)
    tell(database, hook)
    assert hook.messages[0]["began"][0]["title"] == title
    assert b"Maria" not in hook.bodies[0]
    stored = conn.execute("select facts::text from ops.alarm").fetchone()
    assert stored
    assert "Maria" not in stored[0]


def test_a_second_run_by_hand_and_a_death_after_publication_are_no_alarm(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "Another run is in progress", "RunInProgress")
    fail(conn, "run-1", NOW, "It had published before", "RunDied")
    tell(database, hook)
    assert hook.bodies == []


def test_a_channel_that_fails_is_tried_again_and_the_other_is_not_told_twice(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    with webhook() as other:
        fail(conn, "run-2", NOW, "bad", "BuildFailed")
        other.status = 500
        (failure,) = tell(database, hook, other)
        assert failure == "webhook 127.0.0.1 could not be told: it answered 500"
        failing = conn.execute("select failing_since, failure from ops.notification where"
                               " failing_since is not null").fetchall()  # fmt: skip
        assert [failure for _, failure in failing] == ["it answered 500"]
        other.status = 200
        assert tell(database, hook, other) == []
        assert tell(database, hook, other) == []
        assert hook.news == other.news == [(["run_failed"], [])]
        row = conn.execute("select count(*) from ops.notification where failing_since is null")
        assert row.fetchone() == (2,)


def test_what_ended_before_a_channel_could_be_told_is_not_told_to_it(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    hook.status = 503
    tell(database, hook)
    publish(conn, "run-3", NOW + HOUR, 5)
    hook.status = 200
    tell(database, hook)
    assert hook.bodies == []


def test_two_processes_at_once_tell_once(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: tell(database, hook), range(6)))
    assert hook.news == [(["run_failed"], [])]


def test_who_does_not_wait_leaves_it_to_the_one_that_tells(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    conn.execute("select pg_advisory_lock(%s)", [locks.NOTIFICATIONS])
    given = settings(notify_webhooks=hook.url)
    assert dispatch_notifications(given, database, now=NOW, wait=False) == []
    assert hook.bodies == []
    conn.execute("select pg_advisory_unlock(%s)", [locks.NOTIFICATIONS])
    dispatch_notifications(given, database, now=NOW, wait=False)
    assert len(hook.bodies) == 1


def test_who_waits_does_not_wait_for_ever(
    database: Database, conn: psycopg.Connection, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.notifications.dispatcher._LOCK_TIMEOUT", "50ms")
    conn.execute("select pg_advisory_lock(%s)", [locks.NOTIFICATIONS])
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    (said,) = tell(database, hook)
    assert "sent the next time" in said
    conn.execute("select pg_advisory_unlock(%s)", [locks.NOTIFICATIONS])
    assert tell(database, hook) == []
    assert hook.news == [(["run_failed"], [])]


def test_an_answer_that_drips_is_given_up(
    database: Database, conn: psycopg.Connection, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.notifications.channels._TIMEOUT", 0.2)
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    hook.dripping = True
    label = "webhook 127.0.0.1 could not be told:"
    with webhook() as other:
        assert tell(database, hook, other) == [f"{label} it did not end within 0.2 seconds"]
        said = f"{label} the attempt before this one has not ended yet"
        assert tell(database, hook, other) == [said]
        assert other.news == [(["run_failed"], [])]
    hook.dripping = False


def test_data_are_stale_one_second_after_the_limit(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    until = NOW - 24 * HOUR
    published_tables(conn, until)
    tell(database, hook)
    assert hook.bodies == []
    tell(database, hook, at=NOW + timedelta(seconds=1))
    assert hook.news == [(["data_stale"], [])]
    assert "Os dados vão até 19/11/2026 12:00; o limite é 24 h." in hook.messages[0]["text"]
    conn.execute("update marts.source_freshness set data_until = %s", [NOW])
    tell(database, hook, at=NOW + timedelta(seconds=2))
    assert hook.news[1:] == [([], ["data_stale"])]


def test_a_company_has_a_limit_of_its_own(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    published_tables(conn, NOW - 3 * HOUR)
    limits = {"c2": 2.0, "c1": 48.0, "unknown": 1.0}
    tell(database, hook, stale_hours=1, stale_hours_by_company=limits)
    (told,) = hook.messages
    assert [each["title"] for each in told["began"]] == ["Dados desatualizados: Dois Bcc: x"]


def test_each_cause_of_each_company_is_told_by_itself(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    published_tables(conn, NOW)
    add = "insert into marts.sending_alarm values (%s, %s, %s, %s)"
    conn.execute(add, ["c1", "account", 3, NOW - HOUR])
    tell(database, hook)
    conn.execute("update marts.sending_alarm set agenda_count = 9")
    conn.execute(add, ["c2", "account", 1, NOW])
    tell(database, hook)
    conn.execute("delete from marts.sending_alarm where company_id = 'c1'")
    tell(database, hook)
    assert hook.news == [(["sending"], []), (["sending"], []), ([], ["sending"])]
    first, second, third = hook.messages
    assert first["subject"] == "Acionar o TI: mensagens não saem: Um"
    assert "problema na conta do WhatsApp: 3 agendas, desde 20/11/2026 11:00" in first["text"]
    assert "Verificar conta do WhatsApp" in first["began"][0]["to_do"]
    assert second["subject"] == "Acionar o TI: mensagens não saem: Dois Bcc: x"
    assert third["subject"] == "Resolvido: Acionar o TI: mensagens não saem: Um"


def test_what_cannot_be_looked_at_has_not_ended(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    published_tables(conn, NOW - 30 * HOUR)
    conn.execute("insert into marts.sending_alarm values ('c1', 'account', 3, %s)", [NOW])
    tell(database, hook)
    conn.execute("alter schema marts rename to marts_before")  # as after a restore
    tell(database, hook)
    assert hook.news == [(["data_stale", "sending"], [])]
    conn.execute("alter schema marts_before rename to marts")
    conn.execute("delete from marts.sending_alarm")
    tell(database, hook)
    assert hook.news[1:] == [([], ["sending"])]


def test_news_of_one_look_are_one_message(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    published_tables(conn, NOW - 30 * HOUR)
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    tell(database, hook)
    assert hook.news == [(["run_failed", "data_stale"], [])]
    assert hook.messages[0]["subject"] == "A execução falhou (e mais 1)"


def test_the_morning_edition_is_missed_from_its_hour_on(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    tomorrow = datetime(2026, 11, 21, 11, tzinfo=UTC)  # 08:00 in São Paulo
    tell(database, hook, at=tomorrow - timedelta(seconds=1))
    assert hook.bodies == []
    tell(database, hook, at=tomorrow, edition_deadline="never")
    assert hook.bodies == []
    tell(database, hook, at=tomorrow)
    tell(database, hook, at=tomorrow + 30 * HOUR)
    assert hook.news == [(["edition_missing"], [])]
    assert "Era esperada até 21/11/2026 08:00" in hook.messages[0]["text"]
    publish(conn, "run-2", tomorrow + 31 * HOUR, 5)
    tell(database, hook, at=tomorrow + 31 * HOUR)
    assert hook.news[1:] == [([], ["edition_missing"])]


def test_on_a_day_without_a_schedule_no_edition_is_missed(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    weekdays = {"morning_schedule": "0 6 * * 1-6"}
    publish(conn, "run-2", datetime(2026, 11, 21, 22, tzinfo=UTC), 5)  # Saturday evening
    monday = datetime(2026, 11, 23, 11, tzinfo=UTC)
    tell(database, hook, at=monday - timedelta(seconds=1), **weekdays)
    assert hook.bodies == []
    tell(database, hook, at=monday, **weekdays)
    assert "Era esperada até 23/11/2026 08:00" in hook.messages[0]["text"]


def test_a_schedule_after_the_hour_makes_no_edition_due(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    late = {"morning_schedule": "0 8 * * *", "refresh_schedule": "0 20 * * *"}
    tell(database, hook, at=NOW + 30 * HOUR, **late)
    assert hook.bodies == []


def test_a_run_that_said_why_is_no_missing_edition_too(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    six = datetime(2026, 11, 21, 9, tzinfo=UTC)
    fail(conn, "run-2", six, "bad", "BuildFailed")
    tell(database, hook, at=six + 5 * HOUR)
    assert hook.news == [(["run_failed"], [])]
    # The next day nothing ran at all; what ran after the hour does not end that.
    tell(database, hook, at=six + 26 * HOUR)
    fail(conn, "run-3", six + 27 * HOUR, "bad", "BuildFailed")
    fail(conn, "run-4", six + 48 * HOUR, "bad", "BuildFailed")
    tell(database, hook, at=six + 50 * HOUR)
    assert hook.news[1:] == [(["edition_missing"], [])]


def test_backups_that_end_are_missed_after_two_days(
    database: Database, conn: psycopg.Connection, hook: Receiver, tmp_path: Path
) -> None:
    def backed_up(name: str) -> None:
        (tmp_path / "backups" / name).mkdir(parents=True)
        (tmp_path / "backups" / name / "manifest.json").touch()

    here = {"home": tmp_path, "edition_deadline": "never"}
    tell(database, hook, at=NOW + 90 * HOUR, **here)
    assert hook.bodies == [], "where none was ever made nobody waits for one"
    backed_up("2026-11-20T053000Z")
    backed_up("mine-Z")
    late = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
    tell(database, hook, at=late - timedelta(seconds=1), **here)
    other = {**here, "database_url": "postgresql://elsewhere/x"}
    tell(database, hook, at=late, **other)
    assert hook.bodies == []
    tell(database, hook, at=late, **here)
    tell(database, hook, at=late + HOUR, **here)
    assert hook.news == [(["backup_late"], [])]
    assert hook.messages[0]["subject"] == "O backup não está sendo feito"
    assert "O último é de 20/11/2026 02:30." in hook.messages[0]["text"]
    backed_up("2026-11-22T063000Z")
    tell(database, hook, at=late + HOUR, **here)
    assert hook.news[1:] == [([], ["backup_late"])]
    backed_up("2027-11-22T063000Z")
    tell(database, hook, at=late + 2 * HOUR, **here)
    assert hook.news[2:] == [(["backup_late"], [])]
    assert "2027-11-22T063000Z tem data no futuro" in hook.messages[2]["text"]


def test_tidying_is_missed_when_something_was_published_long_after_it(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    tidied = NOW + HOUR
    conn.execute("insert into ops.retention_run (finished_at) values (%s)", [tidied])
    quiet = {"edition_deadline": "never"}
    publish(conn, "run-2", tidied + 48 * HOUR - timedelta(seconds=1), 5)
    tell(database, hook, at=tidied + 90 * HOUR, **quiet)
    assert hook.bodies == [], "while nothing is published nothing could tidy"
    publish(conn, "run-3", tidied + 48 * HOUR, 6)
    tell(database, hook, at=tidied + 49 * HOUR, **quiet)
    assert hook.news == [(["tidying_late"], [])]
    assert "A última é de 20/11/2026 13:00." in hook.messages[0]["text"]
    conn.execute("update ops.retention_run set finished_at = %s", [tidied + 50 * HOUR])
    tell(database, hook, at=tidied + 51 * HOUR, **quiet)
    assert hook.news[1:] == [([], ["tidying_late"])]


def test_what_is_posted_is_signed_and_leads_to_the_pages(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    tell(database, hook, notify_webhook_secret="key", public_url="https://tela.example")
    headers = {name.lower(): value for name, value in hook.headers[0].items()}
    expected = hmac.new(b"key", hook.bodies[0], hashlib.sha256).hexdigest()
    assert headers[SIGNATURE.lower()] == f"sha256={expected}"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert hook.messages[0]["text"].endswith("https://tela.example")
    assert headers["idempotency-key"] == hook.messages[0]["message_id"]


def test_an_id_is_of_one_news_of_one_installation(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    def identity(alarm: Alarm, installation: str = "a", *, over: bool = False) -> str:
        news = PendingNotification((), (alarm,)) if over else PendingNotification((alarm,), ())
        return messages.build_message(
            news, "America/Sao_Paulo", installation=installation
        ).message_id

    one = Alarm(7, "data_stale", "c1", NOW, {"data_until": NOW.isoformat(), "hours": "24"})
    elsewhere = replace(one, since=NOW.astimezone(ZoneInfo("America/Sao_Paulo")))
    assert identity(one) == identity(elsewhere)
    others = [
        identity(one, "b"),
        identity(one, over=True),
        *(
            identity(replace(one, **change))  # type: ignore[arg-type]
            for change in (
                {"alarm_id": 8},
                {"kind": "edition_missing", "facts": {"published_at": NOW.isoformat()}},
                {"subject": "c2"},
                {"since": NOW + timedelta(microseconds=1)},
            )
        ),
    ]
    assert len({identity(one), *others}) == 7
    assert len(installation(conn)) == 36
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    tell(database, hook)
    conn.execute("update ops.installation set installation_id = gen_random_uuid()")
    conn.execute("delete from ops.notification")
    tell(database, hook)
    first, second = hook.messages
    assert first["text"] == second["text"]
    assert first["message_id"] != second["message_id"]


def test_a_redirect_is_not_followed(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    with webhook() as elsewhere:
        hook.status, hook.location = 302, elsewhere.url
        fail(conn, "run-2", NOW, "bad", "BuildFailed")
        assert tell(database, hook) == ["webhook 127.0.0.1 could not be told: it answered 302"]
        assert elsewhere.bodies == []


def mail_settings(port: int, **changes: object) -> Settings:
    return settings(
        notify_email_to="ana@example.com, rui@example.com",
        notify_email_from="Atendimento <tela@example.com>",
        notify_smtp_host="127.0.0.1",
        notify_smtp_port=port,
        notify_smtp_security="none",
        **changes,
    )


def test_each_recipient_gets_a_mail(database: Database, conn: psycopg.Connection) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    with mailbox() as box:
        assert dispatch_notifications(mail_settings(box.port), database, now=NOW) == []
        dispatch_notifications(mail_settings(box.port), database, now=NOW)
    mails = [email.message_from_bytes(body, policy=email.policy.default) for body in box.bodies]
    assert sorted(str(mail["To"]) for mail in mails) == ["ana@example.com", "rui@example.com"]
    for mail in mails:
        assert mail["Subject"] == "[Atendimento] A execução falhou"
        assert mail["From"] == "Atendimento <tela@example.com>"
        assert "Um cálculo não pôde ser feito: bad" in mail.get_content()  # type: ignore[attr-defined]
    kept = str(conn.execute("select * from ops.notification").fetchall())
    assert "example.com" not in kept


def test_why_a_mail_failed_is_said_without_the_address(
    database: Database, conn: psycopg.Connection
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    with mailbox() as box:
        box.status = 500
        said = dispatch_notifications(mail_settings(box.port), database, now=NOW)
    assert len(said) == 2
    assert all("example.com" not in line for line in said)


def test_a_channel_that_does_not_listen_is_said() -> None:
    with webhook() as gone:
        pass
    given = settings(notify_webhooks=gone.url)
    assert list(send_test_messages(given)) == [
        ("webhook 127.0.0.1", "it could not be reached: Connection refused")
    ]


def test_a_test_goes_by_every_channel(hook: Receiver) -> None:
    with mailbox() as box:
        given = mail_settings(box.port, notify_webhooks=hook.url)
        assert [failure for _, failure in send_test_messages(given)] == ["", "", ""]
    assert [said["subject"] for said in hook.messages] == ["Teste de aviso"]
    assert len(box.bodies) == 2


def test_a_chat_is_told_in_words_and_each_has_its_own_result(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    with webhook() as other:
        other.status = 403
        urls = ",".join(f"json://127.0.0.1:{each.port}/s3cret" for each in (hook, other))
        given = settings(notify_chat_urls=urls)
        said = "chat 2 of 2 by json could not be told: it answered 403"
        assert dispatch_notifications(given, database, now=NOW) == [said]
        other.status = 200
        assert dispatch_notifications(given, database, now=NOW) == []
        (here,), (there,) = hook.messages, other.messages
    assert here == there
    assert (here["title"], here["type"]) == ("A execução falhou", "warning")
    assert "Um cálculo não pôde ser feito: bad" in here["message"]


def test_a_chat_that_does_not_answer_is_given_up(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "TIMEOUT", 0.5)
    hook.dripping = True
    given = settings(notify_chat_urls=f"json://127.0.0.1:{hook.port}")
    said = "it did not end within 0.5 seconds"
    assert list(send_test_messages(given)) == [("chat 1 of 1 by json", said)]
    hook.dripping = False


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nothing://s3cret", "is not one of Apprise's"),
        ("slack://s3cret", "is not one of Apprise's"),
        ("json://chat.example/s3cret", "json:// is not encrypted"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#s3cret/#b", "several recipients"),
    ],
)
def test_a_chat_that_cannot_be_told_alone_and_encrypted_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        chat.open_chat(url)
    assert "s3cret" not in str(refused.value)


def test_a_chat_needs_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(SettingsError, match="--extra chat"):
        settings(notify_chat_urls="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")


@pytest.mark.parametrize(
    "wrong",
    [
        {"notify_webhooks": "http://hooks.example/1"},
        {"notify_webhooks": "file:///etc/passwd"},
        {"notify_webhooks": "https://"},
        {"notify_webhooks": "https://["},
        {"notify_webhooks": "https://hooks.example:port/1"},
        {"notify_chat_urls": "slack"},
        {"notify_chat_urls": "slack://"},
        {"notify_chat_urls": "slack://secret/1,#general"},
        {"notify_email_to": "ana@example.com"},
        {"notify_email_to": "ana@example.com", "notify_smtp_host": "mail.example"},
        {
            "notify_email_to": "ana@example.com",
            "notify_email_from": "tela@example.com",
            "notify_smtp_host": "mail.example",
            "notify_smtp_security": "none",
        },
    ],
)
def test_a_channel_that_cannot_work_or_would_tell_in_the_clear_is_refused(
    wrong: dict[str, str],
) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**wrong)
    assert "/1" not in str(refused.value)


def test_every_command_refuses_such_a_channel(tmp_path: Path) -> None:
    program = Program(tmp_path, Database("postgresql://x@127.0.0.1:9/none"))
    said = program.call("doctor", NOTIFY_WEBHOOKS="ftp://s3cret.example")
    assert said.exit_code == 2, said.output
    assert said.last_line.startswith("Wrong settings: ATENDIMENTO_NOTIFY_WEBHOOKS"), said.output
    assert "s3cret" not in said.output


def test_a_mail_server_without_tls_is_not_told() -> None:
    with mailbox() as box:
        given = mail_settings(box.port).model_copy(update={"notify_smtp_security": "starttls"})
        assert [failure for _, failure in send_test_messages(given)] == [
            "the mail could not be sent: SMTPNotSupportedError"
        ] * 2
    assert box.bodies == []


def test_that_the_database_is_away_is_told_once_and_that_it_is_back_once(
    database: Database, conn: psycopg.Connection, hook: Receiver, tmp_path: Path
) -> None:
    with webhook() as other:
        both = settings(notify_webhooks=f"{hook.url},{other.url}", home=tmp_path)
        other.status = 500
        assert tell_away(both) == ["webhook 127.0.0.1 could not be told: it answered 500"]
        other.status = 200
        assert tell_away(both) == []
        assert tell_away(both) == []
        dispatch_notifications(both, database, now=NOW)
        dispatch_notifications(both, database, now=NOW)
        assert hook.news == other.news == [(["database_away"], []), ([], ["database_away"])]
        assert hook.messages[0]["subject"] == "O banco de dados não responde"
        assert other.messages[0]["began"][0]["since"] == hook.messages[0]["began"][0]["since"]


def test_a_channel_that_fails_is_told_later_that_the_database_is_back(
    database: Database, conn: psycopg.Connection, hook: Receiver, tmp_path: Path
) -> None:
    given = settings(notify_webhooks=hook.url, home=tmp_path)
    tell_away(given)
    hook.status = 503
    assert len(dispatch_notifications(given, database, now=NOW)) == 1
    hook.status = 200
    assert dispatch_notifications(given, database, now=NOW) == []
    assert hook.news == [(["database_away"], []), ([], ["database_away"])]


def test_two_processes_without_a_database_tell_once(hook: Receiver) -> None:
    given = settings(notify_webhooks=hook.url)
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(tell_away, [given] * 6)) == [[]] * 6
    assert hook.news == [(["database_away"], [])]


def test_the_database_takes_over_what_became_of_each_recipient_once(
    database: Database, conn: psycopg.Connection, hook: Receiver, tmp_path: Path
) -> None:
    with mailbox() as box:
        given = mail_settings(box.port, notify_webhooks=hook.url)
        box.status = 500
        assert len(tell_away(given)) == 2
        box.status = 200
        given = given.model_copy(update={"notify_email_to": "ana@example.com"})
        assert tell_away(given) == []
    stored = (tmp_path / "alarms.json").read_bytes()
    results = (
        "select split_part(channel, ' ', 1), told_at is not null, failure from ops.notification"
    )
    for _ in range(2):
        alarm_file.move_to_database(tmp_path, conn)
        assert sorted(conn.execute(results)) == [
            ("email", False, "the mail could not be sent: SMTPRecipientsRefused"),
            ("email", True, ""),
            ("webhook", True, ""),
        ]
        dispatch_notifications(settings(notify_webhooks=hook.url), database, now=NOW)
        (tmp_path / "alarms.json").write_bytes(stored)  # as after a kill before it was emptied
    assert hook.news == [(["database_away"], []), ([], ["database_away"])]


def refuse(conn: psycopg.Connection, table: str) -> None:
    """Let the database take no row of the table, as on a full disk."""
    conn.execute(
        "create or replace function public.full_disk() returns trigger language plpgsql as"
        " $$ begin raise exception 'no space for Maria' using errcode = '53100'; end $$"
    )
    conn.execute(
        f"create trigger full_disk before insert on {table}"
        " execute function public.full_disk()".encode()
    )


def test_a_failure_that_the_database_does_not_take_is_told_at_once_and_lasts(
    database: Database, conn: psycopg.Connection, hook: Receiver, tmp_path: Path
) -> None:
    given = settings(notify_webhooks=hook.url, database_url=database.url)
    refuse(conn, "ops.run_failure")
    record_failure(given, database, RunResult(1, "run-2", "The disk is full.\nmore", "DiskFull"))
    for _ in range(2):
        tell(database, hook)
        open_database(given)
    assert hook.news == [(["run_failed"], [])]
    assert "The disk is full." in hook.messages[0]["text"]
    conn.execute("drop trigger full_disk on ops.run_failure")
    open_database(given)
    assert conn.execute("select message from ops.run_failure").fetchone()
    tell(database, hook)
    assert len(hook.news) == 1
    publish(conn, "run-3", datetime.now(UTC) + HOUR, 5)
    tell(database, hook)
    tell(database, hook)
    assert hook.news[1:] == [([], ["run_failed"])]


def test_neither_the_database_nor_the_state_folder_takes_a_failure(
    database: Database,
    conn: psycopg.Connection,
    hook: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    nowhere = tmp_path / "file"
    nowhere.touch()
    given = settings(notify_webhooks=hook.url, home=nowhere / "home")
    refuse(conn, "ops.run_failure")
    ended = RunResult(1, "run-2", "The disk is full.", "DiskFull")
    for _ in range(3):
        record_failure(given, database, ended)
    record_failure(given, database, replace(ended, kind="RunInProgress"))
    assert hook.news == [(["run_failed"], [])]


def test_what_cannot_be_kept_anywhere_is_not_sent_again_and_again(
    hook: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("orchestration.notifications.alarm_file._overwrite", full)
    (said,) = tell_away(settings(notify_webhooks=hook.url))
    assert "alarms.json cannot be written: No space left" in said
    assert hook.bodies == []


def test_a_spare_folder_that_another_account_could_have_made_is_not_used(
    hook: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").touch()
    given = settings(notify_webhooks=hook.url, home=tmp_path / "file" / "home")
    _, spare = alarm_file._paths(given.home)
    (tmp_path / "theirs").mkdir(mode=0o700)
    spare.parent.symlink_to(tmp_path / "theirs")
    assert "cannot be written" in tell_away(given)[0]
    assert list((tmp_path / "theirs").iterdir()) == []


def test_notify_with_a_database_that_takes_nothing_ends_in_a_sentence(
    database: Database, conn: psycopg.Connection, hook: Receiver, tmp_path: Path
) -> None:
    program = Program(tmp_path, database)
    fail(conn, "run-2", datetime.now(UTC), "bad", "BuildFailed")
    refuse(conn, "ops.alarm")
    for _ in range(2):
        said = program.call("notify", NOTIFY_WEBHOOKS=hook.url)
        assert said.exit_code == 1, said.output
        assert said.last_line.startswith("Failed: the database did not take"), said.output
        assert "Maria" not in said.output
    assert hook.news == [(["database_away"], [])]


def test_a_run_without_a_database_tells_it(hook: Receiver, tmp_path: Path) -> None:
    program = Program(tmp_path, Database("postgresql://x@127.0.0.1:9/none"))
    for command in (["notify"], ["run", "--source", "."], ["notify"]):
        said = program.call(*command, NOTIFY_WEBHOOKS=hook.url)
        assert said.exit_code == 1, said.output
        assert said.last_line.startswith("Failed: Nothing was changed."), said.output
    assert hook.news == [(["database_away"], [])]


def test_the_sensor_tells_without_a_run_and_writes_the_metrics(
    database: Database, conn: psycopg.Connection, hook: Receiver, tmp_path: Path
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    said = {"HOME": str(tmp_path), "DATABASE_URL": database.url, "NOTIFY_WEBHOOKS": hook.url}
    said["EDITION_DEADLINE"] = "never"
    with (
        environment({f"ATENDIMENTO_{name}": value for name, value in said.items()}),
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance) as context,
    ):
        given = load_settings(Path("/nonexistent/.env"))
        (news,) = [sensor for sensor in build_sensors(given) if sensor.name == "news"]
        news(context)
        news(context)
    assert hook.news == [(["run_failed"], [])]
    written = (tmp_path / "metrics" / "atendimento.prom").read_text(encoding="utf-8")
    assert 'atendimento_alarms{kind="run_failed"} 1.0' in written
    assert 'atendimento_runs_on_record{outcome="published"} 1.0' in written


def test_a_channel_that_was_taken_out_fails_no_more(
    database: Database, conn: psycopg.Connection, hook: Receiver
) -> None:
    fail(conn, "run-2", NOW, "bad", "BuildFailed")
    hook.status = 500
    tell(database, hook)
    with dg.DagsterInstance.ephemeral() as instance:
        for urls, failing in ((hook.url, 1), ("", 0)):
            read = metrics.read_metrics(settings(notify_webhooks=urls), database, instance)
            assert f"atendimento_notify_channels_failing {failing}.0" in read


def test_a_collector_may_read_the_metrics_whatever_the_umask(tmp_path: Path) -> None:
    file = tmp_path / "node" / "textfile" / "atendimento.prom"
    before = os.umask(0o077)
    try:
        metrics.write_metrics("atendimento_pages 81.0\n", file)
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (file, file.parent, file.parent.parent)]
    assert modes == [0o644, 0o755, 0o755]
