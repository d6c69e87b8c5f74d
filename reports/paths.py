"""Where a page stands within an edition.

An id is any text of up to 64 characters, perhaps a person's login, so a name is made of its hash:
safe on every file system, the same in every edition, and nobody's name.
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
}


def company_folder(company_id: str) -> str:
    """The folder of a company's pages."""
    return f"empresa-{_digest(company_id)}"


def list_file(agent_id: str | None) -> str:
    """The file of an agent's call list within the company's folder; None is "Sem agente"."""
    return UNASSIGNED if agent_id is None else f"lista-{_digest(agent_id)}.html"


def fichas_file(agent_id: str | None, part: int) -> str:
    """A file with Fichas of an agent's list, from part 1 on."""
    return f"{fichas_stem(agent_id)}{part}.html"


def fichas_stem(agent_id: str | None) -> str:
    """What the names of the files with Fichas of an agent's list begin with."""
    agent = "sem-agente" if agent_id is None else _digest(agent_id)
    return f"fichas-{agent}-"


def has_phones(name: str) -> bool:
    """Whether a file of a company's folder is of a call list: no other holds a client's phone."""
    return name.startswith(("lista-", "fichas-", "sem-agente."))


def ficha_anchor(agenda_id: str) -> str:
    """Where an agenda's Ficha begins within its page."""
    return f"ficha-{_digest(agenda_id)}"


def total_name(totalizer: str, *, today: bool = False, part: int = 1) -> str:
    """The name, without its ending, of a company's page or file with the rows of a total: of all
    contact dates or of today's, and from the second part on with its number.
    """
    name = f"{_TOTALIZERS[totalizer]}-hoje" if today else _TOTALIZERS[totalizer]
    return name if part == 1 else f"{name}-{part}"


def group_total_name(totalizer: str) -> str:
    """The name, without its ending, of the group's page or file of a total by company."""
    return f"grupo-{_TOTALIZERS[totalizer]}"


def bucket_anchor(bucket: str) -> str:
    """Where a bucket's rows begin; a bucket may be the id of a loss reason, any text."""
    return f"parte-{_digest(bucket)}"


def _digest(identifier: str) -> str:
    return sha256(identifier.encode()).hexdigest()[:16]
