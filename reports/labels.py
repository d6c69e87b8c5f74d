"""Code → Portuguese words: every screen string that is not in a template.

Belongs here: what a code is called, in the order of the specification, and the patterns of
sentences. Does not: how a code is decided, nor how a number or a date is written (`formats.py`).
"""

from __future__ import annotations

from typing import NamedTuple

# R11, in the order of the specification. The buckets of `refused` are loss reasons, which are
# data; only the bucket without a reason has words of its own.
TOTALIZERS = {
    "active": "Agendas ativas",
    "no_show": "No-show",
    "passive": "Cliente leadzap",
    "refused": "Cliente recusou",
    "booked": "Cliente agendou",
    "call_requested": "Cliente pediu para ligar",
    "no_reply": "Cliente não respondeu",
}

WHATSAPP_STATUS = {
    "sent": "WhatsApp enviado",
    "opted_out": "Não aceita mensagens",
    "invalid_phone": "Telefone inválido",
    "other": "Não enviado, outro motivo",
}

UNSPECIFIED = "unspecified"

BUCKETS = {
    "active": WHATSAPP_STATUS,
    "no_show": {
        "manual": "Marcado na recepção",
        "automatic": "Automático, prazo vencido",
    },
    "passive": {
        "booking_registered": "Agendamento registrado",
        "booking_unregistered": "Agendamento sem registro",
        "service_orders": "Ordens de serviço",
        "other_registered": "Outros, cliente cadastrado",
        "other_unregistered": "Outros, sem cadastro",
    },
    "refused": {UNSPECIFIED: "Sem motivo informado"},
    "booked": {"booked": "Agendou pelo LEADZAP"},
    "call_requested": {"call_requested": "Pediu para ligar"},
    "no_reply": {
        "1": "Há 1 dia",
        "2": "Há 2 dias",
        "3+": "Há 3 dias ou mais",
    },
}

TOTALIZER_NOTES = {
    "active": "ativas e abertas",
    "no_show": "ativas e passivas, abertas",
    "passive": "contatos passivos, pela data do contato",
    "refused": "abertas e fechadas, por motivo da perda",
    "booked": "abertas e fechadas",
    "call_requested": "ativas e abertas",
    "no_reply": "dias completos desde a mensagem",
}


class Cause(NamedTuple):
    """Why a message did not go out (R6), in words, and who has to look at it (R12, section 5)."""

    words: str
    job: str


CAUSES = {
    "not_queued": Cause("fora da fila do LEADZAP", "feeder, o processo que põe as agendas na fila"),
    "queued": Cause("na fila, sem sair ainda", "sender, o processo que envia a fila"),
    "no_whatsapp": Cause("o número não tem WhatsApp", "nenhum: depende do cliente"),
    "recipient_limit": Cause(
        "o WhatsApp limitou as mensagens a este cliente", "nenhum: depende do cliente"
    ),
    "opted_out_whatsapp": Cause(
        "o cliente parou as mensagens no WhatsApp", "nenhum: depende do cliente"
    ),
    "transient": Cause(
        "falha passageira da plataforma do WhatsApp", "plataforma do WhatsApp e reenvio do sender"
    ),
    "rate_limit": Cause("envio rápido demais", "sender, ritmo de envio"),
    "account": Cause(
        "problema na conta do WhatsApp", "conta do WhatsApp: situação, pagamento e token"
    ),
    "template": Cause("problema no modelo da mensagem", "modelo da mensagem no WhatsApp"),
    "unknown_error": Cause("erro desconhecido", "sender, registro de erros do envio"),
    "nothing_sent": Cause(
        "nenhuma mensagem saiu para as agendas de hoje", "feeder e sender, nesta ordem"
    ),
}

CALL_REASONS = {
    "call_requested": "Pediu para ligar",
    "no_reply": "Sem resposta",
    "not_sent": "Mensagem não enviada",
}

# R6 without `sent`, as the end of "Mensagem não enviada: …".
NOT_SENT_DETAIL = {
    "opted_out": "o cliente não aceita mensagens",
    "invalid_phone": "telefone inválido",
    "other": "outro motivo",
}

OUTCOMES = {
    "no_answer": "não atendeu",
    "busy": "ocupado",
    "wrong_number": "número errado",
    "call_back": "pediu retorno",
    "booked": "agendou",
    "refused": "recusou",
    "other": "outro resultado",
}

NOT_AVAILABLE = "N/D"
UNASSIGNED_LIST = "Sem agente"
NO_CLIENT = "Agenda sem cliente"
NO_VEHICLE = "Sem veículo"
NO_PLATE = "sem placa"
NO_MODEL = "modelo não informado"
ALL_COMPANIES = "Empresas"

# Why the client is on the list (R9), one plain sentence.
REASON_CALL_REQUESTED = "Pediu para ligar em {since}"
REASON_NO_REPLY = "Enviado {since}; sem resposta há {days}; parâmetro {limit}"
REASON_NOT_SENT = "Mensagem não enviada: {why}"
REASON_NOT_SENT_LATE = "Mensagem não enviada: {why}; prazo de {grace} vencido"
REASON_NOT_SENT_AGAIN = "No-show em {cycle_start}; nova mensagem não enviada: {why}"
REASON_REPLIED_OPTED_OUT = (
    "Respondeu em {replied_at} e não aceita mensagens: nenhuma outra pode ser enviada"
)
WHY_NO_CLIENT = "agenda sem cliente"

# Whether and when a message went out, or why not: on every row (domain.md, section 1).
SIGNAL_SENT = "WhatsApp enviado {sent}"
SIGNAL_NOT_SENT = "WhatsApp não enviado"
SIGNAL_NOT_SENT_WHY = "WhatsApp não enviado: {why}"
SIGNAL_SENT_BEFORE = "WhatsApp não enviado desde o no-show de {cycle_start}; último {sent}"

ATTEMPTS_NONE = "Nenhuma ligação feita"
ATTEMPTS_ONE = "1 ligação: {outcome}, {last}"
ATTEMPTS_MANY = "{count} ligações; última: {outcome}, {last}"


def bucket_label(totalizer: str, bucket: str) -> str:
    """What a bucket is called; a code without words is shown as it is."""
    return BUCKETS.get(totalizer, {}).get(bucket, bucket)


def cause(code: str) -> Cause:
    """What a cause is called and whose it is; one without words is shown as it is."""
    return CAUSES.get(code) or Cause(code, CAUSES["unknown_error"].job)
