"""A page in, HTML out. No database, no clock, no file but the templates and the stylesheet.

The stylesheet stands in the page itself and the content security policy names its hash: a page
opens from a folder, a server or an e-mail alike, and nothing else can style it or run in it.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import formats
from reports.pages.page import Page


def _stylesheet() -> str:
    text = (files("reports") / "static" / "style.css").read_text(encoding="utf-8")
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()


def _policy(stylesheet: str) -> str:
    digest = base64.b64encode(sha256(stylesheet.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(formats.FILTERS)
    stylesheet = _stylesheet()
    environment.globals["stylesheet"] = Markup(stylesheet)  # noqa: S704 — a file of this package
    environment.globals["policy"] = _policy(stylesheet)
    return environment


ENVIRONMENT = _environment()


def render(page: Page) -> str:
    """Render a view model with its own template."""
    return ENVIRONMENT.get_template(page.template).render(page=page)
