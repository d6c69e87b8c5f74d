"""The base view model of the lookup server's pages, and rendering them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import ClassVar, NamedTuple

from starlette.responses import HTMLResponse

from reports.render import ENVIRONMENT, static

STYLES = ("style.css", "lookup.css")


class Signed(NamedTuple):
    """The signed-in user, for the page header. `csrf` is included in every form."""

    name: str
    csrf: str
    is_manager: bool
    has_password: bool


class Choice(NamedTuple):
    """An option of a list in a form."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupPage:
    """The fields of the base template. `signed` is None on pages without a user."""

    template: ClassVar[str]
    script: ClassVar[str | None] = None
    """The file in `static/` of the page's script, without which the page works too."""

    title: str
    signed: Signed | None = None


def render_response(page: LookupPage, status: int = 200) -> HTMLResponse:
    """Render a view model with its template and content security policy."""
    html = ENVIRONMENT.get_template(page.template).render(page=page)
    return HTMLResponse(html, status, {"Content-Security-Policy": policy(page.script)})


@cache
def policy(script: str | None) -> str:
    """Return the policy: only our styles and that script, forms only to this app, no framing."""
    scripts = _hash(script) if script else "'none'"
    return (
        f"default-src 'none'; style-src {' '.join(map(_hash, STYLES))}; script-src {scripts}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def _hash(name: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(static(name).encode()).digest()).decode()}'"
