"""The Portuguese text of the pages, by code, except what is in the templates."""

from __future__ import annotations

from typing import NamedTuple

# R11, in the order of the specification. The buckets of `refused` are loss reasons, which are
# data; only the bucket without a reason has a label here.
TOTALIZERS = {
    "active": "Agendas ativas",
    "no_show": "No-show",
    "passive": "Cliente leadzap",
    "refused": "Cliente recusou",
    "booked": "Cliente agendou",
    "call_requested": "Cliente pediu para ligar",
    "no_reply": "Cliente não respondeu",
    "replied": "Respondeu sem concluir",
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
        "booking_registered": "Agendamento com cadastro",
        "booking_unregistered": "Agendamento sem cadastro",
        "service_orders": "Ordens de serviço",
        "other_registered": "Contato com cadastro",
        "other_unregistered": "Contato sem cadastro",
    },
    "refused": {UNSPECIFIED: "Sem motivo informado"},
    "booked": {
        "arrived": "Compareceu",
        "confirmed": "Confirmado",
        "to_confirm": "A confirmar",
        "unattended": "Horário passou, sem confirmação nem comparecimento",
    },
    "call_requested": {"call_requested": "Pediu para ligar"},
    "no_reply": {
        "1": "Há 1 dia",
        "2": "Há 2 dias",
        "3+": "Há 3 dias ou mais",
    },
    "replied": {
        "unfinished_booking": "Começou a agendar e não concluiu",
        "other": "Outra resposta",
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
    "replied": "ativas e abertas",
}


class Cause(NamedTuple):
    """Why a message was not sent (R6), and which job or person has to act (R12, section 5)."""

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
    "do_not_call": "pediu para não ligar",
    "other": "outro resultado",
}

NOT_AVAILABLE = "N/D"
SAME_PERSON = "Mesmo cliente da linha anterior: uma ligação só"
# R17, in its order.
HINTS = {
    "vehicle_inactive": "veículo inativo",
    "vehicle_booked": "o veículo já tem agendamento",
    "vehicle_refused": "recusou para este veículo em outra agenda",
    "shared_number": "outro cliente da lista tem o mesmo número",
}
UNASSIGNED_LIST = "Sem agente"
NO_CLIENT = "Agenda sem cliente"
NO_VEHICLE = "Sem veículo"
NO_PLATE = "sem placa"
NO_MODEL = "modelo não informado"
GROUP = "Grupo"

PARAMETER_NO_REPLY = "Sem resposta a partir de"
PARAMETER_NO_SHOW = "No-show automático após"
PARAMETER_GRACE = "Prazo de envio"

# Checks that two counts are equal; the page shows both numbers.
IDENTITY_LIST_ROWS = "Linhas desta lista = agendas a ligar"

# Why the client is on the list (R9).
REASON_CALL_REQUESTED = "Pediu para ligar em {since}"
REASON_CALL_BACK = "Retorno combinado para {call_back_at}"
REASON_NO_REPLY = "{message}; sem resposta há {days}; parâmetro {limit}"
REASON_NOT_SENT = "Mensagem não enviada: {why}"
REASON_NOT_SENT_LATE = "Mensagem não enviada: {why}; prazo de {grace} vencido"
REASON_NOT_SENT_AGAIN = "No-show em {cycle_start}; nova mensagem não enviada: {why}"
REASON_REPLIED_OPTED_OUT = (
    "Respondeu em {replied_at} e não aceita mensagens: nenhuma outra pode ser enviada"
)
WHY_NO_CLIENT = "agenda sem cliente"

# Whether and when a message was sent, or why not: on every row (domain.md, section 1).
SIGNAL_SENT = "WhatsApp enviado {sent}"
SIGNAL_NOT_SENT = "WhatsApp não enviado"
SIGNAL_NOT_SENT_WHY = "WhatsApp não enviado: {why}"
SIGNAL_SENT_BEFORE = "WhatsApp não enviado desde o no-show de {cycle_start}; último {sent}"

ATTEMPTS_NONE = "Nenhuma ligação feita"
ATTEMPTS_ONE = "1 ligação: {outcome}, {last}"
ATTEMPTS_MANY = "{count} ligações; última: {outcome}, {last}"

# The last message and its delivery: "Enviado 18/11 09:12, entregue 09:12, lido 10:03".
MESSAGE_SENT = "Enviado {sent}"
MESSAGE_NOT_SENT = "Não enviado: {why}"
MESSAGE_DELIVERED = ", entregue {delivered}"
MESSAGE_READ = ", lido {read}"

# Rows that have been on the list since an earlier day without a call.
UNTRIED = "Na lista há {days}, sem ligação"

# Why a client must not be called yet.
WAIT_REPLY = "{message}; aguardando resposta"
WAIT_GRACE = "Mensagem ainda não enviada: {why}; prazo de {grace} em curso"
# Due agendas that are not called now (R15, R16).
WAIT_REASONS = {
    "call_back": "O cliente combinou um horário para o retorno",
    "resting": "O cliente recebeu uma ligação há pouco",
    "client_messaged": "O cliente recebeu uma mensagem há pouco; aguardando resposta",
    "on_other_list": "Todas as agendas deste cliente estão na lista de outro atendente",
}
WAIT_GRACE_AGAIN = "No-show em {cycle_start}; nova mensagem ainda não enviada: {why}"
IDENTITY_WAITING_ROWS = "Linhas em “Ainda não ligar” = agendas em espera"

CALL_LIST_SHEET = "Lista de ligação"
CALL_LIST_COLUMNS = {
    "position": "Ordem",
    "client": "Cliente",
    "phone": "Telefone",
    "why": "Motivo",
    "since": "Desde",
    "reason": "Por que ligar",
    "signal": "WhatsApp",
    "attempts": "Ligações",
    "last_attempt": "Última ligação",
    "last_outcome": "Resultado da última",
    "days_untried": "Dias na lista sem ligação",
    "vehicle": "Veículo",
    "event_type": "Evento",
    "campaign": "Campanha",
    "contact_date": "Contato",
    "agenda": "Agenda",
}

CSV = "CSV"
XLSX = "XLSX"

# The second sheet of an XLSX, which identifies the export.
ABOUT = "Sobre"
ABOUT_COLUMNS = ("Item", "Valor")
ABOUT_DATA_UNTIL = "Dados até"
ABOUT_AS_OF = "Calculado para"
ABOUT_GENERATED = "Gerado em"
ABOUT_TIMEZONE = "Horário de"
ABOUT_RUN = "Execução"
ABOUT_FINGERPRINT = "Impressão das tabelas"


def bucket_label(totalizer: str, bucket: str) -> str:
    """Return the label of a bucket, or its code if it has none."""
    return BUCKETS.get(totalizer, {}).get(bucket, bucket)


def cause(code: str) -> Cause:
    """Return the label of a cause and who has to act, or its code if it has no label."""
    return CAUSES.get(code) or Cause(code, CAUSES["unknown_error"].job)


# --- The manager's report --------------------------------------------------------------------

WITHOUT_TEAM = "Sem equipe"
WITHOUT_AGENT = "Sem agente"
FURTHER_COMPANIES = "e mais {count}"
ALARM_COMPANY = "{company} ({count})"

FUNNELS = {
    "contact": "Do contato à visita",
    "return": "Do no-show à volta",
}

# The steps of each funnel in order; each counts a subset of the previous one.
FUNNEL_STEPS = {
    "contact": {
        "agendas": "Agendas",
        "sent": "Mensagem enviada",
        "replied": "Responderam",
        "booked": "Agendaram",
        "came": "Compareceram",
    },
    "return": {
        "no_show": "No-show",
        "messaged": "Nova mensagem enviada",
        "booked_again": "Agendaram de novo",
        "came": "Compareceram",
    },
}

# Agendas that reached a step without the previous ones; shown beside the funnel.
FUNNEL_OTHER_WAYS = {
    "contact": {
        "booked_without_reply": "agendaram sem responder à mensagem",
        "came_without_reply": "compareceram sem responder à mensagem",
    },
    "return": {
        "booked_again_without_message": "agendaram de novo sem nova mensagem",
        "came_without_message": "compareceram sem nova mensagem",
    },
}

HISTORY_TITLE = "{total}: últimos {days}"
HISTORY_DESCRIPTION = (
    "De {first} em {first_day} a {last} em {last_day}; mínimo {lowest}, máximo {highest}"
)
HISTORY_GAPS = "; {count} sem edição"

# Why a row entered or left a total since the previous edition.
MOVEMENT_EVENTS = {
    "created": "agenda criada",
    "contacted": "escreveu ao LEADZAP",
    "gone": "não está mais nos dados",
    "closed": "agenda fechada",
    "reopened": "agenda reaberta",
    "booked": "agendou",
    "refused": "recusou",
    "call_requested": "pediu para ligar",
    "replied": "respondeu",
    "no_show": "não compareceu",
    "no_show_ended": "no-show resolvido",
    "deadline": "venceu o prazo de resposta",
    "message_sent": "mensagem enviada",
    "booking_ended": "agendamento terminou",
    "changed": "outra mudança",
}

IDENTITY_ACTIVE = "Partes de Agendas ativas = agendas ativas e abertas"
IDENTITY_REFUSED = "Motivos de Cliente recusou = agendas com recusa"
IDENTITY_ROWS = "Linhas dos totais = soma dos totais"
IDENTITY_LISTS = "Soma das listas = agendas com motivo de ligação"
IDENTITY_AGENTS = "Agendas ativas por atendente = Agendas ativas"
IDENTITY_TEAMS = "Agendas ativas por equipe = Agendas ativas"
IDENTITY_COMPANIES = "Agendas ativas por empresa = Agendas ativas"
IDENTITY_GROUP_TOTAL = "Soma das empresas = total do grupo"
IDENTITY_GROUP_PARTS = "Soma das partes = total do grupo"
TOTAL = "Total"

GROUP_TOTAL_BUCKET = "Parte"
GROUP_TOTAL_COMPANY = "Empresa"
GROUP_TOTAL_TODAY = "Hoje"
GROUP_TOTAL_ALL = "Todas"


def movement_event(code: str) -> str:
    """Return the label of a movement event, or its code if it has none."""
    return MOVEMENT_EVENTS.get(code, code)


# --- Quality and editions ---------------------------------------------------------------------

QUALITY = "Qualidade dos dados"
EDITIONS = "Edições"
PARAMETER_KEPT = "Edições que ficam"
PARAMETER_KEPT_DAYS = "Última edição de cada data fica por"
IDENTITY_DELIVERED_ROWS = (
    "Linhas lidas da última entrega = novas + já conhecidas + rejeitadas + estacionadas"
)

WEEKDAYS = ("seg", "ter", "qua", "qui", "sex", "sáb", "dom")


class Outcome(NamedTuple):
    """A run's result: its sign, its label, and the labels for one and several runs of a day."""

    sign: str
    words: str
    one: str
    many: str


RUN_OUTCOMES = {
    "published": Outcome("✓", "Publicada", "publicada", "publicadas"),
    "zero": Outcome("0", "Publicou zero", "com zero", "com zero"),
    "failed": Outcome("✕", "Falhou", "falhou", "falharam"),
    "stopped": Outcome("■", "Parada", "parada", "paradas"),
    "unfinished": Outcome("…", "Sem conclusão", "sem conclusão", "sem conclusão"),
}
NO_RUN = Outcome("○", "Não rodou", "", "")

# The legend below the days.
RUN_LEGEND = {
    "published": "os dados foram publicados",
    "zero": "publicada, mas sem nenhuma agenda ativa",
    "failed": "um erro ou uma entrega recusada; nada mudou",
    "stopped": "uma verificação bloqueou a publicação; nada mudou",
    "unfinished": "em andamento ou interrompida; nada mudou",
    "none": "nenhuma execução neste dia",
}

LAST_RUN_FAILED = "A última execução falhou em {when}: os dados publicados são de {as_of}."
LAST_RUN_STOPPED = (
    "Uma verificação parou a última execução em {when}: os dados publicados são de {as_of}."
)
LAST_RUN_FAILED_FIRST = "A última execução falhou em {when}: nada foi publicado até hoje."
LAST_RUN_STOPPED_FIRST = (
    "Uma verificação parou a última execução em {when}: nada foi publicado até hoje."
)
LAST_RUN_FOUND_ZERO = "A última publicação, de {when}, não tem nenhuma agenda ativa."
UNEXPLAINED_FAILURE = "Erro do programa"

# The errors whose message is written for users.
FAILURE_KINDS = {
    "BuildFailed": "Um cálculo não pôde ser feito",
    "CheckCrashed": "As verificações não puderam ser feitas",
    "ChecksStopped": "Testes dos cálculos não passaram",
    "BlockingChecksFailed": "Verificações que bloqueiam não passaram",
    # The same, of runs before version 0.4.0.
    "DagsterAssetCheckFailedError": "Verificações que bloqueiam não passaram",
    "DatabaseAway": "O banco de dados parou durante a execução",
    "DatabaseError": "O banco de dados não pôde ser usado",
    "DeliveryRefused": "Entrega recusada",
    "DiskFull": "O disco do banco de dados está cheio",
    "ErasureKeyMissing": "A chave dos números apagados não está na pasta do programa",
    "PublicationError": "Publicação incompleta",
    "PublishError": "As páginas não puderam ser gravadas",
    "RunDied": "O processo da execução morreu",
    "RunGivenUp": "A execução demorou demais para começar",
    "RunInProgress": "Outra execução estava em andamento",
    "RunLockLost": "O banco de dados foi reiniciado durante a execução",
    "RunNotStarted": "A execução não começou a tempo",
    "RunStopped": "A execução foi interrompida",
    "RunTooLong": "A execução passou do tempo máximo",
    "SettingsError": "Configuração inválida",
}

DELIVERY_LOADED = "Carregada"
DELIVERY_REFUSED = "Recusada"

SOURCE_TABLES = {
    "company": "Empresas",
    "app_user": "Usuários",
    "user_company": "Empresas dos usuários",
    "team": "Times",
    "campaign": "Campanhas",
    "event_type": "Tipos de evento",
    "loss_reason": "Motivos da perda",
    "chatbot_option": "Opções do chatbot",
    "client": "Clientes",
    "vehicle": "Veículos",
    "agenda": "Agendas",
    "dispatch": "Disparos",
    "reply": "Respostas",
    "booking": "Agendamentos",
    "passive_contact": "Contatos passivos",
    "call_attempt": "Ligações",
    "whatsapp_event": "Eventos do WhatsApp",
}

# Why a row was quarantined (R2). Rows of the last reason are retried at every delivery.
PARKED = "unknown_reference"
SET_ASIDE_REASONS = {
    "missing_key": "sem identificador",
    "missing_value": "campo obrigatório vazio",
    "does_not_cast": "valor que não se lê (data, hora, número)",
    "too_long": "identificador ou texto longo demais",
    "unknown_code": "código desconhecido",
    "out_of_range": "número fora dos limites",
    "unknown_timezone": "fuso horário desconhecido",
    "wrong_number_of_fields": "número de campos diferente do cabeçalho",
    "malformed_quotes": "aspas malformadas",
    "duplicate_version": "mesma versão com outro conteúdo",
    "parent_changed": "mudou de empresa, agenda ou disparo",
    "company_mismatch": "cita um registro de outra empresa",
    PARKED: "cita um registro que ainda não chegou",
}

SUITES = {
    "loaded": "O que foi carregado",
    "dbt": "O que foi calculado",
    "published": "O que seria publicado",
}
BLOCKS = "bloqueia"
WARNS = "avisa"


class CheckResult(NamedTuple):
    """A check's result: its sign, and its labels for one and several checks."""

    sign: str
    words: str
    many: str


# Worst first.
CHECK_RESULTS = {
    "blocked": CheckResult("✕", "bloqueou", "bloquearam"),
    "crashed": CheckResult("?", "não pôde ser feita", "não puderam ser feitas"),
    "warned": CheckResult("!", "avisou", "avisaram"),
    "passed": CheckResult("✓", "passou", "passaram"),
    "absent": CheckResult("–", "não foi feita", "não foram feitas"),
}
CHECK_HISTORY = "Passou em {passed} de {runs} execuções"
CHECK_HISTORY_WORSE = "{history}; a última que não passou: {when}"
CHECK_FOUND_ONE = "1 encontrada"
CHECK_FOUND_MANY = "{count} encontradas"
CHECK_CRASHED = "sem resultado"

# The columns of check results.
FIGURES = {
    "agenda_count": "contagem",
    "agendas": "agendas",
    "column_name": "coluna",
    "company_id": "empresa",
    "delivery_id": "entrega",
    "failed": "falhas",
    "failed_for_unknown_reason": "falhas sem causa conhecida",
    "failed_of_today": "falhas de hoje",
    "file_name": "arquivo",
    "hours": "horas",
    "invalid_phone": "telefones inválidos",
    "median": "mediana",
    "missing_ids": "ids que faltam",
    "of_today": "agendas de hoje",
    "published_agendas": "agendas publicadas",
    "rows_parked": "estacionadas",
    "rows_read": "lidas",
    "rows_rejected": "rejeitadas",
    "sent_of_today": "enviadas de hoje",
    "table_name": "tabela",
    "totalizer": "totalizador",
    "with_client": "com cliente",
    "without_client": "sem cliente",
}

# dbt data tests: generic ones by kind, singular ones by name.
_DATA_TESTS = {
    "accepted_values": "{table}: {columns} só com valores conhecidos",
    "known_codes": "{table}: {columns} só com códigos conhecidos",
    "not_null": "{table}: {columns} sempre preenchida",
    "one_row_per": "{table}: uma linha por {columns}",
    "refers_to": "{table}: {columns} existe em {to}",
    "unique": "{table}: {columns} sem repetição",
}
_DATA_TEST_SENTENCES = {
    "assert_alarm_counts_equal_due_agendas": (
        "Cada alarme de envio conta as agendas que esperam por ele."
    ),
    "assert_buckets_of_active_add_up": "Os quatro grupos de Agendas ativas somam o total.",
    "assert_call_list_and_agenda_status_agree": "As listas e a situação das agendas concordam.",
    "assert_call_positions_are_contiguous": "As posições de cada lista vão de 1 até o fim.",
    "assert_columns_of_agenda_status_agree": "As colunas da situação das agendas concordam.",
    "assert_each_agenda_has_one_status": "Cada agenda tem exatamente uma situação.",
    "assert_every_total_equals_its_rows": "Cada total é igual ao número das suas linhas.",
    "assert_whoever_has_no_obstacle_is_listed_or_waits": (
        "Quem nada impede de ligar está na lista ou aguarda a hora."
    ),
    "assert_funnels_narrow": "Cada passo de um funil é parte do anterior.",
    "assert_jobs_follow_the_status": "O que volta ou se envia segue a situação das agendas.",
    "assert_movements_explain_every_total": (
        "O que entrou e saiu explica cada total desde a edição anterior."
    ),
    "assert_totals_are_above_zero_and_counted_once": (
        "Nenhum total é zero, nenhum se conta duas vezes."
    ),
    "assert_waiting_and_listed_are_apart": (
        "Quem ainda não pode receber ligação não está em nenhuma lista."
    ),
}


def data_test(name: str, kind: str, table: str, columns: str, to: str) -> str:
    """Describe a dbt data test in Portuguese.

    Args:
        name: The name of the test.
        kind: The generic test, such as `not_null`; empty for a singular test.
        table: The tested table.
        columns: The tested columns, for the text.
        to: The referenced table of a `refers_to` test.

    Returns:
        The sentence, or the test's name when it has none.
    """
    pattern = _DATA_TESTS.get(kind)
    if pattern:
        return pattern.format(table=table, columns=columns, to=to)
    return _DATA_TEST_SENTENCES.get(name, name.replace("_", " "))


# --- The Ficha of an agenda ----------------------------------------------------------------

RESPONSES = {
    "booked": "Agendou pelo LEADZAP",
    "booked_elsewhere": "Agendou por outro canal",
    "refused": "Recusou",
    "call_requested": "Pediu para ligar",
    "replied": "Respondeu, sem concluir",
    "no_reply": "Não respondeu",
    "awaiting_reply": "Aguardando resposta",
    "not_sent": "Sem mensagem enviada",
}
RESPONSE_BOOKED = "{response}, para {moment}"
RESPONSE_REFUSED = "{response}: {reason}"
RESPONSE_NO_REPLY = "{response} há {days}"
ORIGINS = {"active": "Ativa", "passive": "Passiva"}
STATE_OPEN = "Aberta"
STATE_CLOSED = "Fechada"
STATE_CLOSED_AT = "Fechada em {closed}"
NOT_GIVEN = "não informado"
NO_TOTALS = "Nenhum totalizador"
FICHAS = "Fichas: {name}"
FICHAS_RANGE = "Fichas {first} a {last} de {count}"
FICHAS_RANGE_ONE = "Ficha {first} de {count}"
TO_THE_LIST = "Voltar à lista"
IDENTITY_FICHAS = "Fichas desta lista = agendas a ligar e em espera"

CONSENT = {
    (False, "register"): "Aceita mensagens (cadastro)",
    (True, "register"): "Não aceita mensagens (cadastro)",
    (False, "reply"): "Voltou a aceitar mensagens pelo chatbot em {moment}",
    (True, "reply"): "Parou as mensagens pelo chatbot em {moment}",
}
STANDING_CALL = "Ligar: {position}º da lista"
STANDING_WAIT = "Ainda não ligar: só a partir de {moment}"
STANDING_OTHER_LIST = "Na lista de outro atendente"
STANDING_NONE = "Fora da lista de ligação"

# Why a client is on no call list (R9).
WHY_DONE = {
    "done": "A última ligação resolveu: o cliente agendou ou recusou.",
    "do_not_call": "O cliente pediu para não receber ligações.",
    "exhausted": "O limite de ligações desta agenda foi atingido.",
}
WHY_CLOSED = "A agenda está fechada."
WHY_NOT = {
    "closed": "A agenda foi fechada em {closed_at}.",
    "passive": "Agenda passiva: foi o cliente que procurou a empresa.",
    "calls_refused": "O cliente pediu para não receber ligações.",
    "contact_later": "O contato é só em {contact_date}.",
    "booked": "Já agendou pelo LEADZAP, para {booked_for}.",
    "booked_elsewhere": "Já agendou por outro canal, para {booked_for}.",
    "refused": "Recusou em {replied_at}: {reason}.",
    "replied": "Respondeu em {replied_at}, sem concluir.",
}

# The events of an agenda. Values in braces are times or come from the tables below.
EVENTS = {
    "created": "Agenda criada",
    "queued": "Mensagem na fila: {detail}",
    "sent": "Mensagem enviada",
    "delivered": "Mensagem entregue",
    "read": "Mensagem lida",
    "failed": "Mensagem falhou: {detail}",
    "replied": "Cliente respondeu: {detail}",
    "called": "Ligação: {detail}",
    "booked": "Agendamento {detail} para {moment}",
    "confirmed": "Agendamento de {moment} confirmado",
    "arrived": "Cliente compareceu ao agendamento de {moment}",
    "no_show": "No-show do agendamento de {moment}: {detail}",
    "cancelled": "Agendamento de {moment} cancelado",
    "closed": "Agenda fechada",
}
PURPOSES = {"first_contact": "primeiro contato", "no_show": "após no-show"}
CHANNELS = {
    "leadzap": "pelo LEADZAP",
    "phone": "por telefone",
    "front_desk": "na recepção",
}
NO_SHOW_KINDS = {"manual": "marcado na recepção", "automatic": "automático, prazo vencido"}
CALLED_BY = "por {person}"


# --- Grids -----------------------------------------------------------------------------------

NO_AGENDA = "Sem agenda"
UNKNOWN_CLIENT = "Cliente não reconhecido"
WITHOUT_MESSAGE = "Sem agenda"
GRID_WHATSAPP = {
    "sent": "Enviado",
    "opted_out": "Não enviado: o cliente não aceita mensagens",
    "invalid_phone": "Não enviado: telefone inválido",
    "other": "Não enviado",
}
NOT_SENT_BECAUSE = "Não enviado: {why}"
SENT_AT = "Enviado {sent}"
SENT_BEFORE_NO_SHOW = "{sent}, antes do no-show"
GRID_RESPONSES = {
    "booked": "Agendado para {booked_for}",
    "booked_elsewhere": "Agendado por outro canal para {booked_for}",
    "refused": "Recusou{replied_at}: {reason}",
    "call_requested": "Pediu para ligar{replied_at}",
    "replied": "Respondeu{replied_at}, sem concluir",
    "no_reply": "Sem resposta há {days}",
    "awaiting_reply": "Aguardando resposta",
    "not_sent": "Sem mensagem enviada",
}
NO_REASON = "sem motivo informado"
NO_SHOW_OF = "No-show {at}; era para {booked_for}"
WROTE = "Escreveu {at}"
AMBIGUOUS = "mais de um cadastro com este número"
CLOSED = "agenda fechada"

ROWS_OF_TODAY = "{total}, contatos de hoje"
ROWS_PART = "Linhas {first} a {last}"
IDENTITY_TOTAL_ROWS = "Linhas = total de {total}"
IDENTITY_TOTAL_ROWS_TODAY = "Linhas de hoje = total de hoje de {total}"

# What the buckets of each total are.
BUCKET_NAMES = {
    "active": "Envio",
    "no_show": "Marcação",
    "passive": "Tipo de contato",
    "refused": "Motivo da perda",
    "booked": "Agendamento",
    "call_requested": "Pedido",
    "no_reply": "Dias sem resposta",
    "replied": "Resposta",
}
GRID_COLUMNS = {
    "client": "Cliente",
    "agenda": "Agenda",
    "contact_date": "Contato",
    "campaign": "Campanha",
    "event_type": "Tipo de evento",
    "team": "Time",
    "agent": "Agente",
    "whatsapp": "WhatsApp",
    "sent_at": "Enviado em",
    "situation": "Situação",
}
