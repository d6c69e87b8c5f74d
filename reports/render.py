"""Renders a view model to HTML without database or clock.

Stylesheet and scripts are inlined, and the content security policy names their hashes, so that a
page works from a folder, a server or an e-mail, and nothing else can style it or run in it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import formats
from reports.view_model import Page

AGE_SCRIPT = "age.js"
"""The script of every page, which warns readers of an outdated page."""


@cache
def static(name: str) -> Markup:
    """Return a file of `static/` without comments and indentation.

    Every `/* ... */` is removed, so no string in these files may contain either delimiter.
    """
    text = (files("reports") / "static" / name).read_text(encoding="utf-8")
    plain = re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    return Markup(plain)  # noqa: S704 — a file of this package


@cache
def policy(*scripts: str | None) -> str:
    """Return the content security policy of a page with any of these scripts, or none."""
    names = [AGE_SCRIPT, *[script for script in scripts if script]]
    return (
        f"default-src 'none'; style-src {_hashes(['style.css'])}; script-src {_hashes(names)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(names: Iterable[str]) -> str:
    digests = (base64.b64encode(sha256(static(name).encode()).digest()).decode() for name in names)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def environment() -> Environment:
    """Create the Jinja environment with the formats that templates use; every value is escaped."""
    made = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters.update(formats.FILTERS)
    made.globals.update(static=static, policy=policy, age_script=AGE_SCRIPT)
    return made


ENVIRONMENT = environment()


def render(page: Page) -> str:
    """Render a view model with its template."""
    return ENVIRONMENT.get_template(page.template).render(page=page)
