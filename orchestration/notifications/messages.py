"""Writes the messages, in Portuguese: what happened, since when, what to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from orchestration.errors import STOPPED_BY_CHECK_KINDS
from orchestration.notifications.alarms import Alarm, PendingNotification
from reports import labels

_TITLES = {
    "run_failed": "A execução falhou",
    "edition_missing": "A edição do dia não saiu",
    "backup_late": "O backup não está sendo feito",
    "tidying_late": "A limpeza diária não está sendo feita",
    "data_stale": "Dados desatualizados",
    "sending": "Acionar o TI: mensagens não saem",
    "database_away": "O banco de dados não responde",
}
_STOPPED = "Uma verificação parou a publicação"
_DIED = "O processo da execução morreu"
_TO_DO = {
    "run_failed": (
        "Veja o motivo na página de qualidade ou com `atendimento doctor`, corrija e rode "
        "`atendimento run` de novo. O que está publicado não mudou."
    ),
    "edition_missing": (
        "Veja se a máquina, o Dagster e a origem dos dados estão no ar (`atendimento doctor`) e "
        "rode `atendimento run`."
    ),
    "backup_late": (
        "Rode `atendimento backup` e veja por que o da noite falha (espaço em disco, o timer "
        "atendimento-backup)."
    ),
    "tidying_late": (
        "Rode `atendimento cleanup` e veja por que falha. Os relatórios não dependem dela; o disco "
        "enche aos poucos."
    ),
    "data_stale": (
        "Veja por que a origem não manda dados novos (exportação do CRM, pasta de entregas). Até "
        "lá, as listas mostram o que já passou: avise os atendentes."
    ),
    "database_away": (
        "Veja se o servidor do PostgreSQL está no ar e se a máquina tem espaço em disco "
        "(`atendimento doctor`). As páginas gravadas continuam abrindo; nada novo é publicado."
    ),
}
_TRIAL_SUBJECT = "Teste de aviso"
_TRIAL_TEXT = "Este é um teste: os avisos do Atendimento chegam por este canal. Nada a fazer."


@dataclass(frozen=True, slots=True)
class AlarmText:
    """One alarm as it is read."""

    alarm_id: int
    kind: str
    since: str
    title: str
    text: str
    to_do: str


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. The same news have the same `message_id`, which no others have."""

    message_id: str
    subject: str
    text: str
    began: tuple[AlarmText, ...] = ()
    ended: tuple[AlarmText, ...] = ()


def build_message(
    news: PendingNotification, timezone: str, address: str = "", installation: str = ""
) -> Message:
    """Write one message about everything that a recipient has not been told.

    Args:
        news: The alarms that began and ended.
        timezone: The IANA time zone of the times in the text.
        address: Where the pages are, for the last line.
        installation: The installation's id. Without a database there is none; then the times, to
            the microsecond, tell the messages of two installations apart.
    """
    zone = ZoneInfo(timezone)
    began = tuple(_alarm_text(alarm, zone) for alarm in news.began)
    ended = tuple(_alarm_text(alarm, zone) for alarm in news.ended)
    return Message(
        _message_id(news, installation), _subject(began, ended), _text(began, ended, address),
        began, ended,
    )  # fmt: skip


def _message_id(news: PendingNotification, installation: str) -> str:
    # The id of an alarm alone is not unique: after a restore they continue from the backup's.
    made_of = [
        [sign, alarm.alarm_id, alarm.kind, alarm.subject, alarm.since.astimezone(UTC).isoformat()]
        for sign, alarms in (("+", news.began), ("-", news.ended))
        for alarm in alarms
    ]
    return hashlib.sha256(json.dumps([installation, *made_of]).encode()).hexdigest()[:32]


def build_test_message(now: datetime, address: str = "") -> Message:
    """Write the message that `atendimento notify --test` sends."""
    digest = hashlib.sha256(now.isoformat().encode()).hexdigest()[:32]
    return Message(digest, _TRIAL_SUBJECT, "\n".join(filter(None, [_TRIAL_TEXT, address])))


def _subject(began: Sequence[AlarmText], ended: Sequence[AlarmText]) -> str:
    first, count = (began or ended)[0], len(began) + len(ended)
    more = f" (e mais {count - 1})" if count > 1 else ""
    return f"{first.title}{more}" if began else f"Resolvido: {first.title}{more}"


def _text(began: Sequence[AlarmText], ended: Sequence[AlarmText], address: str) -> str:
    lines: list[str] = []
    for each in began:
        lines += [f"{each.title}. {each.text}", f"O que fazer: {each.to_do}", ""]
    for each in ended:
        lines += [f"Resolvido: {each.title}. {each.text}", ""]
    return "\n".join([*lines, address]).strip()


def _alarm_text(alarm: Alarm, zone: ZoneInfo) -> AlarmText:
    return AlarmText(
        alarm.alarm_id,
        alarm.kind,
        alarm.since.isoformat(),
        _plain(_title(alarm)),
        _plain(" ".join(_sentences(alarm, zone))),
        _to_do(alarm),
    )


def _title(alarm: Alarm) -> str:
    title = _TITLES.get(alarm.kind, alarm.kind)
    if alarm.facts.get("error") in STOPPED_BY_CHECK_KINDS:
        title = _STOPPED
    elif alarm.facts.get("error") == "RunDied":
        title = _DIED
    company = alarm.facts.get("company")
    return f"{title}: {company}" if company else title


def _sentences(alarm: Alarm, zone: ZoneInfo) -> Iterator[str]:
    facts = alarm.facts
    if alarm.kind == "run_failed":
        yield f"Em {_local(alarm.since, zone)}."
        words = labels.FAILURE_KINDS.get(facts["error"])
        if not facts["error"]:
            yield f"{labels.UNEXPLAINED_FAILURE}."
        else:
            yield f"{words}: {facts['reason']}" if words else facts["reason"]
        if facts["as_of"]:
            yield f"Continua publicado o de {_local(facts['as_of'], zone)}."
    elif alarm.kind == "edition_missing":
        yield (
            f"Era esperada até {_local(alarm.since, zone)}; a última publicação é de "
            f"{_local(facts['published_at'], zone)}."
        )
    elif alarm.kind == "backup_late" and "future" in facts:
        yield (
            f"A pasta {facts['future']} tem data no futuro: veja o relógio da máquina e apague ou "
            "renomeie a pasta."
        )
    elif alarm.kind == "backup_late":
        yield f"O último é de {_local(facts['made_at'], zone)}."
    elif alarm.kind == "tidying_late":
        yield f"A última é de {_local(facts['tidied_at'], zone)}."
    elif alarm.kind == "data_stale":
        until = _local(facts["data_until"], zone)
        yield f"Os dados vão até {until}; o limite é {facts['hours']} h."
    elif alarm.kind == "database_away":
        yield f"Desde {_local(alarm.since, zone)}."
    elif alarm.kind == "sending":
        cause = labels.cause(facts["cause"])
        yield f"{cause.words}: {facts['agendas']} agendas, desde {_local(alarm.since, zone)}."


def _to_do(alarm: Alarm) -> str:
    if alarm.kind == "sending":
        return f"Verificar {labels.cause(alarm.facts['cause']).job}."
    return _TO_DO.get(alarm.kind, "")


def _local(time: datetime | str, zone: ZoneInfo) -> str:
    parsed = datetime.fromisoformat(time) if isinstance(time, str) else time
    return parsed.astimezone(zone).strftime("%d/%m/%Y %H:%M")


def _plain(text: str) -> str:
    """Put the text into one line: a line end in a name would begin a header of a mail."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
