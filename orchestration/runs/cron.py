"""When the next edition is to be made, by the settings' crons."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from orchestration.settings import Settings


def next_edition_at(settings: Settings, after: datetime) -> datetime:
    """When the next edition is to be made, by whichever schedule comes first."""
    local = after.astimezone(ZoneInfo(settings.group_timezone))
    crons = (settings.morning_schedule, settings.refresh_schedule)
    return min(next(CronSim(cron, local)) for cron in crons)
