"""The Portuguese strings of the lookup server, in addition to `reports/labels.py`."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """The title of an error page, and what happened and what to do."""

    title: str
    text: str


PROBLEMS = {
    400: Problem("Endereço desconhecido", "Abra a tela pelo endereço que a sua empresa informou."),
    401: Problem("Entre de novo", "A sua sessão terminou. Abra a tela de novo para entrar."),
    403: Problem(
        "Formulário recusado",
        "Esta página ficou aberta por muito tempo ou veio de outro lugar. Volte, atualize a "
        "página e tente de novo. Nada foi alterado.",
    ),
    404: Problem("Não encontrado", "O que você procura não existe ou não faz parte do seu acesso."),
    405: Problem("Não encontrado", "Esta página não aceita este tipo de pedido."),
    413: Problem("Pedido grande demais", "Nada foi alterado. Envie menos texto."),
    415: Problem("Formulário recusado", "Nada foi alterado. Use os formulários da própria tela."),
    429: Problem(
        "Espere um instante",
        "Ainda há um pedido seu em andamento, ou outras pessoas estão baixando arquivos. Nada foi "
        "baixado. Espere dez segundos e atualize a página.",
    ),
    500: Problem(
        "Algo deu errado",
        "O erro foi registrado, sem dados pessoais. Tente de novo; se continuar, avise o TI.",
    ),
    503: Problem(
        "Fora do ar por um instante",
        "O banco de dados não respondeu. Espere um minuto e atualize a página; as listas "
        "publicadas continuam valendo.",
    ),
}
NO_REASON = Problem(
    "Falta o motivo",
    "Diga por que precisa dos telefones: volte e escolha um motivo. Nada foi mostrado.",
)
NOTHING_PUBLISHED = Problem(
    "Ainda não há nada publicado",
    "A tela abre depois da primeira execução (atendimento run). Tente mais tarde.",
)
OTHER_VERSION = Problem(
    "Atualização em andamento",
    "A versão nova ainda não publicou: a tela volta depois da próxima execução (atendimento run). "
    "As listas publicadas continuam valendo.",
)
OTHER_EDITION = Problem(
    "Atualização em andamento",
    "As páginas e as tabelas publicadas não são da mesma execução. Espere um minuto e atualize a "
    "página; se continuar, avise o TI: a próxima execução (atendimento run) as junta de novo.",
)
BUSY = Problem(
    "Muitos pedidos ao mesmo tempo",
    "Espere alguns segundos e atualize a página. Nada foi alterado.",
)
TOO_SLOW = Problem(
    "A consulta demorou demais", "Escolha menos agendas, por exemplo um dia só, e tente de novo."
)
PROXY_ONLY = Problem(
    "Entre pelo endereço da empresa",
    "Esta tela só abre pelo acesso central da empresa, com um usuário ativo.",
)
PROVIDER_AWAY = Problem(
    "O acesso da empresa não respondeu",
    "Quem já entrou pode continuar. Para entrar, espere um minuto e tente de novo.",
)

SIGN_IN = "Entrar"
OPENID_ASKS = "Você entra com o usuário e a senha da empresa."
OPENID_ENTER = "Entrar com o acesso da empresa"
OPENID_REFUSED = (
    "Não foi possível entrar. Tente de novo; se continuar, peça ao TI para conferir se o seu "
    "usuário está ativo."
)
SIGNED_OUT = "Você saiu"
OPENID_LEAVES = "Você saiu desta tela. Falta sair do acesso da empresa."
OPENID_GO_ON = "Sair do acesso da empresa"
OPENID_LEFT = "Você saiu desta tela."
OPENID_AGAIN = "Entrar de novo"
REFUSED = (
    "Não foi possível entrar. Confira usuário e senha. Depois de {tries} tentativas erradas, é "
    "preciso esperar, cada vez mais; a primeira senha vale por 72 horas. Quem esqueceu a senha "
    "pede outra ao TI."
)
NEW_PASSWORD = "Nova senha"  # noqa: S105 — a title
OBJECTIONS = {
    "short": "A nova senha precisa de pelo menos 12 letras ou números.",
    "long": "A nova senha pode ter no máximo 200 letras ou números.",
    "guessable": "A nova senha é fácil de adivinhar ou está em listas de senhas vazadas: não use o "
    "seu nome, palavras comuns com números, datas nem letras repetidas. Três ou quatro palavras "
    "sem relação entre si são uma boa senha.",
    "different": "As duas vezes em que você escreveu a nova senha não são iguais.",
    "same": "A nova senha precisa ser diferente da atual.",
    "wrong": "A senha atual não confere.",
    "locked": "Muitas tentativas. Espere alguns minutos e tente de novo.",
    "expired": "A primeira senha venceu depois de 72 horas. Peça outra ao TI.",
}

HOME = "Listas e relatórios"
ACCESS_LOG = "Registro de acessos"
ACTIONS = {
    "signed_in": "Entrou",
    "sign_in_refused": "Entrada recusada",
    "signed_out": "Saiu",
    "account_set": "Recebeu uma primeira senha",
    "account_revoked": "Perdeu a senha",
    "password_changed": "Trocou a senha",
    "password_refused": "Troca de senha recusada",
    "report_opened": "Abriu uma página",
    "report_taken": "Baixou um arquivo",
    "ficha_opened": "Abriu uma Ficha",
    "phone_revealed": "Viu um telefone",
    "rows_shown": "Viu linhas da tela",
    "rows_taken": "Baixou linhas da tela",
    "searched": "Procurou um cliente",
    "log_read": "Leu o registro de acessos",
    "entries_expired": "Registros apagados pelo prazo",
}
# The details of an entry, by key.
DETAILS = {
    "address": "endereço {value}",
    "edition": "edição {value}",
    "found": "encontrados: {value}",
    "listed": "agendas da lista de ligação: {value}",
    "operator": "conta do sistema {value}",
    "page": "página {value}",
    "reason": "motivo: {value}",
    "rows": "linhas: {value}",
}
# Why a sign-in was refused.
REFUSALS = {
    "expired": "primeira senha vencida",
    "inactive": "usuário inativo",
    "locked": "muitas tentativas",
    "no_account": "sem senha",
    "provider": "recusado pelo acesso da empresa",
    "unknown": "usuário desconhecido",
    "wrong": "senha errada",
}
FILE_KINDS = {"csv": "CSV", "xlsx": "planilha (XLSX)"}
SIGN_IN_KINDS = {
    "local": "com senha",
    "proxy": "pelo acesso central",
    "openid": "pelo acesso da empresa",
}
# Reasons for requesting phones of rows that the user does not work.
REASONS = {
    "call": "Ligar para o cliente",
    "check": "Conferir o cadastro",
    "substitute": "Substituir o atendente",
    "other": "Outro motivo",
}
LIST_FILE = "Lista de outro atendente"
TAKE_WITH_PHONES = "Baixar com telefones"
OPEN_WITH_PHONES = "Abrir com telefones"
BACK_TO_LIST = "Voltar à lista, sem os telefones"
BACK_TO_REPORT = "Voltar ao relatório da empresa"
OWN_LIST = "Minha lista de ligação"
COMPANY_REPORT = "Relatório do gerente"
GROUP_REPORT = "Relatório do grupo"
QUALITY = "Qualidade dos dados"
EDITIONS = "Edições anteriores"

SCREEN = "Atendimento"
DAYS = {"hoje": "Hoje", "ontem": "Ontem", "intervalo": "Intervalo…", "todas": "Todas"}
ROWS_SHOWN = "Linhas {first} a {last} de {count}"
FICHA = "Ficha de agendamento"
SEARCH = "Procurar cliente"

# Why a client is on no call list (R9).
WHY_NO_AGENDA = "Nenhuma agenda: só escreveu para a empresa."
