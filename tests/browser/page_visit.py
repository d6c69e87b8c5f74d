"""One page opened in the browser, and everything it did that a page must not do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

from tests.browser.publication import READ_AT

# Told to a document before its own scripts: each refusal of its content security policy.
_LISTEN = """
window.policyViolations = [];
document.addEventListener("securitypolicyviolation", (event) => window.policyViolations.push(
    `policy: ${event.effectiveDirective} refused ${event.blockedURI} ${event.sample}`));
"""


class Visit:
    """A page of the publish folder `root`, open; a context manager that closes it.

    The reader's clock stands still: pages tell their own age.
    """

    def __init__(
        self, context: BrowserContext, path: Path, root: Path, *, later: timedelta = timedelta(0)
    ) -> None:
        self._root = root.resolve()
        self._faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.clock.set_fixed_time(READ_AT + later)
        self.page.add_init_script(_LISTEN)
        self.page.on("request", self._on_request)
        self.page.on("console", self._on_console)
        self.page.on("dialog", self._on_dialog)
        self.page.on("pageerror", lambda error: self._faults.append(f"script error: {error}"))
        self.page.goto(path.resolve().as_uri())

    def faults(self) -> list[str]:
        """What the page has done so far: requests, refusals of its policy, errors, dialogs."""
        refused: list[str] = self.page.evaluate("window.policyViolations ?? []")
        return self._faults + refused

    def _on_request(self, request: Request) -> None:
        scheme, _, rest = request.url.partition(":")
        own = scheme == "file" and Path(rest.removeprefix("//")).is_relative_to(self._root)
        if not own and scheme not in ("data", "blob"):
            self._faults.append(f"external request: {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._faults.append(f"console: {message.text}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self._faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()
