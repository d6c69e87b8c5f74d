"""File and folder names within an edition.

Names are made of hashes of ids, because an id may be any text of up to 64 characters, even a
person's login: the names are safe on every file system, equal in every edition and anonymous.
"""

from __future__ import annotations

from hashlib import sha256

INDEX = "index.html"
UNASSIGNED = "sem-agente.html"
TOTALS_JSON = "totais.json"
QUALITY = "qualidade.html"
EDITIONS = "edicoes.html"

_TOTALIZERS = {
    "active": "agendas-ativas",
    "no_show": "no-show",
    "passive": "cliente-leadzap",
    "refused": "cliente-recusou",
    "booked": "cliente-agendou",
    "call_requested": "cliente-pediu-para-ligar",
    "no_reply": "cliente-nao-respondeu",
    "replied": "respondeu-sem-concluir",
}


def company_folder(company_id: str) -> str:
    """Return the folder of a company's pages."""
    return f"empresa-{_digest(company_id)}"


def list_file(agent_id: str | None) -> str:
    """Return the file name of an agent's call list; None is "Sem agente"."""
    return UNASSIGNED if agent_id is None else f"lista-{_digest(agent_id)}.html"


def fichas_file(agent_id: str | None, part: int) -> str:
    """Return the file name of a part of an agent's Fichas; parts start at 1."""
    return f"{fichas_stem(agent_id)}{part}.html"


def fichas_stem(agent_id: str | None) -> str:
    """Return the prefix of the file names of an agent's Fichas."""
    agent = "sem-agente" if agent_id is None else _digest(agent_id)
    return f"fichas-{agent}-"


def has_phones(name: str) -> bool:
    """Whether a file of a company's folder belongs to a call list; other files hold no phones."""
    return name.startswith(("lista-", "fichas-", "sem-agente."))


def ficha_anchor(agenda_id: str) -> str:
    """Return the anchor of an agenda's Ficha within its page."""
    return f"ficha-{_digest(agenda_id)}"


def total_name(totalizer: str, *, today: bool = False, part: int = 1) -> str:
    """Return the file name, without extension, of a company's page or export of a total.

    Args:
        totalizer: The code of the total.
        today: Whether it has today's rows only.
        part: The page number, from 1.

    Returns:
        The name.
    """
    name = f"{_TOTALIZERS[totalizer]}-hoje" if today else _TOTALIZERS[totalizer]
    return name if part == 1 else f"{name}-{part}"


def group_total_name(totalizer: str) -> str:
    """Return the file name, without extension, of the group's page or export of a total."""
    return f"grupo-{_TOTALIZERS[totalizer]}"


def bucket_anchor(bucket: str) -> str:
    """Return the anchor of a bucket's rows, a hash because a bucket may be a loss reason's id."""
    return f"parte-{_digest(bucket)}"


def _digest(identifier: str) -> str:
    return sha256(identifier.encode()).hexdigest()[:16]
