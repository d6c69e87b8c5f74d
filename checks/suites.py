"""Every suite by its name."""

from __future__ import annotations

from checks.marts_suite import MARTS_SUITE
from checks.raw_suite import RAW_SUITE
from checks.spec import Suite, SuiteName

SUITES: dict[SuiteName, Suite] = {suite.name: suite for suite in (RAW_SUITE, MARTS_SUITE)}
