"""Every suite by its name. Knows no check."""

from __future__ import annotations

from checks.declaration import Suite, SuiteName
from checks.loaded import LOADED
from checks.published import PUBLISHED

SUITES: dict[SuiteName, Suite] = {suite.name: suite for suite in (LOADED, PUBLISHED)}
