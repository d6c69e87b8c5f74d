"""Writes the quality page and the list of editions at the end of every run, even a failed one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from checks.suites import SUITES
from orchestration.postgres.database import Database
from orchestration.progress import LOGGER
from orchestration.publication.dbt import manifest_path
from orchestration.settings import Settings
from reports import labels
from reports.editions import PublishError
from reports.status_pages import StatusPageSettings, write_status_pages


def refresh_status_pages(settings: Settings, database: Database) -> None:
    """Write the quality page and the list of editions; a failure is only logged as a warning."""
    try:
        standing = StatusPageSettings(
            now=datetime.now(UTC),
            timezone=settings.group_timezone,
            stale_hours=settings.stale_hours,
            words=check_labels(),
            edition_retention_count=settings.edition_retention_count,
            keep_days=settings.edition_retention_days,
        )
        with database.connect() as conn:
            write_status_pages(conn, settings.published, standing)
    except PublishError as error:
        LOGGER.warning("Warning: %s", error)
    except Exception as error:
        # No error may fail the run; its message is not logged, since it may quote data.
        LOGGER.warning("Warning: the quality page could not be written: %s", type(error).__name__)


def check_labels() -> dict[tuple[str, str], str]:
    """Return the Portuguese label of each check, by suite and name."""
    words = {
        (suite.name, check.name): check.screen
        for suite in SUITES.values()
        for check in suite.checks
    }
    manifest = json.loads(manifest_path().read_text(encoding="utf-8"))
    return words | {("dbt", name): said for name, said in _data_tests(manifest["nodes"])}


def _data_tests(nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for node in nodes.values():
        if node["resource_type"] != "test":
            continue
        metadata = node.get("test_metadata") or {}
        given = metadata.get("kwargs", {})
        columns = given.get("codes") or given.get("key") or [given.get("column_name", "")]
        yield (
            node["name"],
            labels.data_test(
                node["name"],
                metadata.get("name", ""),
                table=(node.get("attached_node") or "").rpartition(".")[2],
                columns=", ".join(columns),
                to="".join(re.findall(r"'(\w+)'", given.get("to", ""))),
            ),
        )
