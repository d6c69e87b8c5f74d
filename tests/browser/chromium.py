"""The browser: finding Chromium on this machine and starting it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, sync_playwright

GIVEN = "ATENDIMENTO_TEST_BROWSER"
REQUIRED = "ATENDIMENTO_TEST_BROWSER_REQUIRED"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """There is no Chromium here; the message says what was looked for."""


def find() -> str:
    """The path of Chromium. Raises NoBrowser when there is none."""
    given = os.environ.get(GIVEN)
    found = next(filter(None, map(shutil.which, [given] if given else PROGRAMS)), None)
    if found is None:
        looked_for = f"{GIVEN}={given}" if given else f"{', '.join(PROGRAMS)} on PATH"
        raise NoBrowser(f"no browser: looked for {looked_for}; set {GIVEN} to a Chromium's path")
    return found


@contextmanager
def started(program: str) -> Iterator[Browser]:
    """The browser, without a window, for the length of the `with` block."""
    # Chromium's sandbox refuses to run as root; /dev/shm is small in many containers.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def reader(browser: Browser, *, script: bool = True) -> BrowserContext:
    """A reader in Brazil without a network, whose browser may refuse to run scripts."""
    return browser.new_context(
        offline=True,
        locale="pt-BR",
        timezone_id="America/Sao_Paulo",
        reduced_motion="reduce",
        java_script_enabled=script,
    )
