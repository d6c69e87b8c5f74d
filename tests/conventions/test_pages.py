"""Pages and templates agree: a template uses exactly the fields of its view model.

A field that no template uses is dead weight, and a name that no view model has would fail only
when that line is rendered. Both are read from the templates' syntax trees, down to the fields of
every part of a page.
"""

from __future__ import annotations

import re
import types
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml
from jinja2 import nodes

from reports.edition_plan import PAGES
from reports.formats import FILTERS
from reports.lookup.audit_log_page import AuditLogPage
from reports.lookup.errors import ErrorPage
from reports.lookup.ficha_page import LookupFichaPage
from reports.lookup.list_files import ListFilePage
from reports.lookup.openid_sign_in import OutsidePage
from reports.lookup.password_page import PasswordPage
from reports.lookup.reports_index import ReportsIndexPage
from reports.lookup.search import SearchPage
from reports.lookup.sign_in import SignInPage
from reports.lookup.totals_page import TotalsPage
from reports.lookup.view_model import LookupPage
from reports.render import ENVIRONMENT
from reports.view_model import Page
from tests.unit.reports.published_tables import DDL

Used = set[tuple[str, str]]
GLOBALS = {"policy", "static", "age_script"}
CLASS_FIELDS = {"template", "script"}
LOOKUP_PAGES: tuple[type[LookupPage], ...] = (
    SignInPage,
    OutsidePage,
    PasswordPage,
    ReportsIndexPage,
    TotalsPage,
    LookupFichaPage,
    ListFilePage,
    SearchPage,
    AuditLogPage,
    ErrorPage,
)
BASES: dict[type, str] = {Page: "base.html", LookupPage: "lookup_base.html"}
ANY_PAGE = (*PAGES, *LOOKUP_PAGES)
ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "reports" / "templates"
MARTS = ROOT / "dbt_project" / "models" / "marts"


@pytest.mark.parametrize("page", ANY_PAGE, ids=lambda page: page.__name__)
def test_a_template_uses_exactly_the_fields_of_its_page(page: type) -> None:
    assert used_by_template(page) == declared_by(page)


def test_every_template_belongs_to_a_page() -> None:
    assert {path.name for path in TEMPLATES.iterdir()} == {
        *BASES.values(),
        *(path.name for path in TEMPLATES.glob("parts_*.html")),
        *(page.template for page in ANY_PAGE),
    }


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_a_template_has_no_inline_script_no_inline_style_and_no_switch_of_escaping(
    path: Path,
) -> None:
    text = path.read_text(encoding="utf-8")
    script_of_its_own = r"<script(?!>\{\{ static\([a-z_.]+\) \}\}</script>)"
    assert not re.search(script_of_its_own, text)
    assert not re.search(r"\sstyle=|\son\w+=|\bsafe\b|autoescape|https?:", text)


def test_every_format_a_template_may_use_is_used() -> None:
    used = {
        node.name
        for path in TEMPLATES.iterdir()
        for node in parsed(path.name).find_all(nodes.Filter)
    }
    assert used == set(FILTERS)


def test_the_tables_pages_are_tested_on_have_the_columns_of_the_published_ones() -> None:
    made = {
        table: dict(column.split(maxsplit=1) for column in re.split(r",\s+", columns))
        for table, columns in re.findall(r"create table (\w+) \((.*?)\);", DDL, flags=re.DOTALL)
    }
    published = {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for path in MARTS.glob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    }
    for table, columns in made.items():
        assert columns.items() <= published[table].items(), table


def parsed(template: str) -> nodes.Template:
    return ENVIRONMENT.parse((TEMPLATES / template).read_text(encoding="utf-8"))


def base_of(page: type) -> type | None:
    """The base view model of a page; None for what is no page."""
    return next((base for base in BASES if issubclass(page, base)), None)


def used_by_template(page: type) -> Used:
    """Every (class, field) that the page's template and the one it extends read."""
    walk = Walk()
    base = base_of(page)
    assert base
    for template in (page.template, BASES[base]):
        walk.statements(parsed(template).body, {"page": page})
    return walk.used


class Walk:
    """Follows the values of a template by their declared types."""

    def __init__(self) -> None:
        self.used: Used = set()
        self.macros: dict[str, nodes.Macro] = {}

    def statements(self, body: list[nodes.Node], names: dict[str, object]) -> None:
        """Follow each node; `names` are the variables in scope with their types."""
        for node in body:
            self.node(node, names)

    def node(self, node: nodes.Node, names: dict[str, object]) -> None:
        """Follow one node and what is in it."""
        if isinstance(node, nodes.For):
            inside = names | {node.target.name: element_of(self.type_of(node.iter, names))}
            self.statements(node.body, inside)
            self.statements(node.else_, names)
        elif isinstance(node, nodes.FromImport):
            assert isinstance(node.template, nodes.Const)
            for macro in parsed(node.template.value).find_all(nodes.Macro):
                self.macros[macro.name] = macro
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            self.call(node, names)
        elif isinstance(node, nodes.Getattr | nodes.Name):
            self.type_of(node, names)
        else:
            for child in node.iter_child_nodes():
                self.node(child, names)

    def call(self, node: nodes.Call, names: dict[str, object]) -> None:
        """Follow a macro with the types that it is called with; the program's functions have none.

        A macro of `parts_<what>.html` is called with positional arguments.
        """
        assert isinstance(node.node, nodes.Name)
        for argument in node.args:
            self.node(argument, names)
        macro = self.macros.get(node.node.name)
        if macro is None:
            assert node.node.name in GLOBALS, f"{node.node.name} is not a macro that was imported"
            return
        given = {
            parameter.name: self.type_of(argument, names)
            for parameter, argument in zip(macro.args, node.args, strict=True)
        }
        self.statements(macro.body, given)

    def type_of(self, node: nodes.Node, names: dict[str, object]) -> object:
        """The declared type of an expression, noting the fields that it reads."""
        if isinstance(node, nodes.Name):
            return str if node.name in GLOBALS else names[node.name]
        if isinstance(node, nodes.Const):
            return type(node.value)
        assert isinstance(node, nodes.Getattr), f"a template only reads fields, not {node!r}"
        owner = without_none(self.type_of(node.node, names))
        if owner is not None and node.attr in CLASS_FIELDS and base_of(owner):
            return str
        assert node.attr in members_of(owner), f"{owner} has no {node.attr}"
        self.used.add((name_of(owner, node.attr), node.attr))
        return members_of(owner)[node.attr]


def declared_by(page: type) -> Used:
    """Every (class, field) of a page and of the parts that it consists of."""
    declared: Used = set()
    waiting = [page]
    while waiting:
        owner = waiting.pop()
        for name, declared_type in members_of(owner).items():
            if (name_of(owner, name), name) not in declared:
                declared.add((name_of(owner, name), name))
                part = without_none(element_of(declared_type))
                if getattr(part, "__module__", "").startswith("reports."):
                    waiting.append(part)
    return declared


def members_of(owner: object) -> dict[str, object]:
    """The fields and properties of a view model, or of a part of one, with their types."""
    assert isinstance(owner, type)
    assert is_dataclass(owner) or hasattr(owner, "_fields"), f"{owner} is not a view model"
    hints = typing.get_type_hints(owner)
    names = owner._fields if hasattr(owner, "_fields") else [f.name for f in fields(owner)]
    properties = {
        name: typing.get_type_hints(value.fget)["return"]
        for base in owner.__mro__
        for name, value in vars(base).items()
        if isinstance(value, property)
    }
    return {name: hints[name] for name in names} | properties


def name_of(owner: type, member: str) -> str:
    base = base_of(owner)
    return base.__name__ if base and member in members_of(base) else owner.__name__


def element_of(declared: object) -> object:
    if typing.get_origin(declared) is tuple:
        return typing.get_args(declared)[0]
    return declared


def without_none(declared: object) -> typing.Any:
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return next(part for part in typing.get_args(declared) if part is not type(None))
    return declared
