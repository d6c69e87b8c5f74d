"""The Dagster code location: everything that is, in explicit lists. Assembles, decides nothing."""

from __future__ import annotations

import dagster as dg

from checks.asset_checks import asset_checks
from orchestration import logs
from orchestration.assets.publication import due_each_day, edition_of_pages
from orchestration.assets.raw import raw_tables
from orchestration.assets.warehouse import warehouse_models
from orchestration.jobs import cleanup, daily
from orchestration.resources import RESOURCES
from orchestration.runs.failures import typed_failures
from orchestration.schedules import build_schedules
from orchestration.sensors import build_sensors
from orchestration.settings import load_settings

SETTINGS = load_settings()
logs.in_dagster(SETTINGS.log_format)

defs = dg.Definitions(
    assets=[raw_tables, warehouse_models, edition_of_pages, due_each_day(SETTINGS)],
    asset_checks=[
        asset_checks("loaded", around=typed_failures),
        asset_checks("published", around=typed_failures),
    ],
    jobs=[daily, cleanup],
    schedules=build_schedules(SETTINGS),
    sensors=build_sensors(SETTINGS),
    resources=RESOURCES,
    executor=dg.in_process_executor,
)
