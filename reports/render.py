"""A page in, HTML out. No database, no clock, no file but templates, stylesheet and scripts.

The stylesheet and a page's scripts stand in the page itself and the content security policy names
their hashes: a page opens from a folder, a server or an e-mail alike, and nothing else can style it
or run in it.
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
"""The script of every page: it tells a reader that the page itself has grown old."""


@cache
def static(name: str) -> Markup:
    """A file of `static/` without its comments and indentation.

    Comments stand between `/*` and `*/`, and no string of the files holds either.
    """
    text = (files("reports") / "static" / name).read_text(encoding="utf-8")
    plain = re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    return Markup(plain)  # noqa: S704 — a file of this package


@cache
def policy(*scripts: str | None) -> str:
    """The content security policy of a page with one of these scripts of its own, or with none."""
    names = [AGE_SCRIPT, *[script for script in scripts if script]]
    return (
        f"default-src 'none'; style-src {_hashes(['style.css'])}; script-src {_hashes(names)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(names: Iterable[str]) -> str:
    digests = (base64.b64encode(sha256(static(name).encode()).digest()).decode() for name in names)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def environment() -> Environment:
    """The templates with the formats they may use; every value is escaped."""
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
    """Render a view model with its own template."""
    return ENVIRONMENT.get_template(page.template).render(page=page)
