"""Who a user is: as the delivery says, in what is published now."""

from __future__ import annotations

from dataclasses import dataclass

from reports.filters import Access


@dataclass(frozen=True, slots=True)
class User:
    """An active user of what is published, with all companies they may see, the home too (R14)."""

    user_id: str
    login: str
    name: str
    role: str
    home_company_id: str
    company_ids: tuple[str, ...]

    @property
    def is_manager(self) -> bool:
        """A manager sees all agents of their companies; any other role only their own agendas."""
        return self.role == "manager"

    @property
    def access(self) -> Access:
        """What they may see, for `reports/filters.py`."""
        return Access(self.company_ids, None if self.is_manager else self.user_id)
