"""The signed-in user, as in the current edition."""

from __future__ import annotations

from dataclasses import dataclass

from reports.filters import Access


@dataclass(frozen=True, slots=True)
class User:
    """An active user and all companies they may see, including the home company (R14)."""

    user_id: str
    login: str
    name: str
    role: str
    home_company_id: str
    company_ids: tuple[str, ...]

    @property
    def is_manager(self) -> bool:
        """Whether the user sees all agents of their companies, not only their own agendas."""
        return self.role == "manager"

    @property
    def access(self) -> Access:
        """The rows that the user may see, for `reports/filters.py`."""
        return Access(self.company_ids, None if self.is_manager else self.user_id)
