"""Where a page stands within an edition.

Belongs here: the names of folders and files. Does not: writing them. An id is any text of up to
64 characters, perhaps a person's login, so a name is made of its hash: safe on every file
system, the same in every edition, and nobody's name.
"""

from __future__ import annotations

from hashlib import sha256

INDEX = "index.html"
UNASSIGNED = "sem-agente.html"


def company_folder(company_id: str) -> str:
    """The folder of a company's pages."""
    return f"empresa-{_digest(company_id)}"


def list_file(agent_id: str | None) -> str:
    """The file of an agent's call list within the company's folder; None is "Sem agente"."""
    return UNASSIGNED if agent_id is None else f"lista-{_digest(agent_id)}.html"


def _digest(identifier: str) -> str:
    return sha256(identifier.encode()).hexdigest()[:16]
