"""The source contract (domain.md, section 2): the tables of a delivery, and their columns.

The raw tables, casts, reference checks, demo data and dbt's `_sources.yml` follow this list;
`tests/conventions/test_dbt_project.py` fails when the models do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal[
    "id",  # text of 1 to 64 characters, without the white space around it
    "text",  # text of at most 254 characters
    "long_text",  # text that is cut at 2,000 characters
    "timestamp",  # ISO 8601 with an offset
    "date",  # YYYY-MM-DD
    "boolean",  # true/false/t/f/1/0/S/N, any case
    "hours",  # a decimal number of hours, may have a fraction
    "whole",  # a whole number
    "timezone",  # an IANA name
]

SQL_TYPE: dict[Kind, str] = {
    "id": "text",
    "text": "text",
    "long_text": "text",
    "timestamp": "timestamptz",
    "date": "date",
    "boolean": "boolean",
    "hours": "numeric",
    "whole": "integer",
    "timezone": "text",
}

ID_LENGTH = 64
TEXT_LENGTH = 254
LONG_TEXT_LENGTH = 2_000
MANIFEST = "manifest.json"
"""The file that lists the contents of a delivery folder."""
DEMO_GENERATOR = "atendimento demo"
"""The `generator` in the manifest of a demo delivery."""
# Years that both PostgreSQL and Python can represent in every time zone.
EARLIEST_YEAR, LATEST_YEAR = 2, 9998


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source table.

    Where `nullable`, the field may be empty and the column may be missing from a file. `codes` is
    the closed list of values, if any; `references` the table whose key the value names. `minimum`,
    `above` (exclusive) and `maximum` bound a number. `only_with` is a column and one of its codes:
    without that code the value is ignored, even if it is malformed.
    """

    name: str
    kind: Kind = "text"
    nullable: bool = False
    codes: tuple[str, ...] = ()
    references: str | None = None
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    only_with: tuple[str, str] | None = None
    description: str = ""

    @property
    def sql_type(self) -> str:
        """The PostgreSQL type of the column in its raw table."""
        return SQL_TYPE[self.kind]


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A source table: an entity, of which every version is stored, or a reference table.

    `key_width`: how many leading columns form the key (1, except for `user_company`).
    `parent`: the column that no later version may change (R2, `parent_changed`).
    `company_from`: the parent table from which a row without a `company_id` column takes its
    company at load. Where a raw table has a `company_id`, it leads the primary key.
    `dropped_ids_stay`: a row of a reference table may be dropped while other rows refer to it; they
    keep the id, and new versions may use it.
    """

    name: str
    columns: tuple[Column, ...]
    kind: Literal["reference", "entity"] = "entity"
    description: str = ""
    key_width: int = 1
    parent: str | None = None
    company_from: str | None = None
    may_be_missing: bool = False
    unique: tuple[str, ...] = ()
    dropped_ids_stay: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """The leading columns that identify a row, as in the specification."""
        return tuple(column.name for column in self.columns[: self.key_width])

    @property
    def by_company(self) -> bool:
        """Whether the raw table has a `company_id`, which then leads its key."""
        return self.kind == "entity" and (
            self.company_from is not None or any(c.name == "company_id" for c in self.columns)
        )

    @property
    def required_columns(self) -> tuple[str, ...]:
        """The columns without which a file is refused."""
        return tuple(column.name for column in self.columns if not column.nullable)

    def column(self, name: str) -> Column:
        """Return the column of that name; raise KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")


def _id(name: str, references: str | None = None, *, nullable: bool = False) -> Column:
    return Column(name, "id", nullable=nullable, references=references)


def _at(name: str, *, nullable: bool = False, description: str = "") -> Column:
    return Column(name, "timestamp", nullable=nullable, description=description)


_UPDATED_AT = _at("updated_at", description="With the key, identifies a version of the row (R1).")

COMPANY = SourceTable(
    "company",
    (
        _id("company_id"),
        Column("name"),
        Column(
            "timezone",
            "timezone",
            nullable=True,
            description="IANA name; empty is America/Sao_Paulo.",
        ),
        Column(
            "no_reply_days",
            "whole",
            nullable=True,
            minimum=1,
            maximum=3,
            description="R8: whole days without a reply until the client is phoned; empty is 2.",
        ),
        Column(
            "no_show_hours",
            "hours",
            nullable=True,
            above=0,
            maximum=87_600,
            description="R7: hours after the booked time until a no-show; empty is 2.",
        ),
        Column(
            "dispatch_grace_hours",
            "hours",
            nullable=True,
            minimum=0,
            maximum=87_600,
            description="R9: hours a message may still be on its way; empty is 12.",
        ),
        Column(
            "call_rest_hours",
            "hours",
            nullable=True,
            minimum=0,
            maximum=87_600,
            description="R15: hours between two calls to one person; empty is 3.",
        ),
        Column(
            "max_call_attempts",
            "whole",
            nullable=True,
            minimum=1,
            description="R15: calls after which an agenda is exhausted; empty is no limit.",
        ),
    ),
    kind="reference",
    description="A dealership of the group, with its parameters.",
)
APP_USER = SourceTable(
    "app_user",
    (
        _id("user_id"),
        Column("login"),
        Column("full_name"),
        Column("role", codes=("attendant", "manager")),
        _id("company_id", "company"),
        Column("active", "boolean"),
    ),
    kind="reference",
    unique=("login",),
    dropped_ids_stay=True,
    description="Who works the lists and who follows the numbers.",
)
USER_COMPANY = SourceTable(
    "user_company",
    (_id("user_id", "app_user"), _id("company_id", "company")),
    kind="reference",
    key_width=2,
    description="The companies a user may see, beside the home company.",
)
TEAM = SourceTable(
    "team",
    (
        _id("team_id"),
        _id("company_id", "company"),
        Column("name"),
        Column("is_service_desk", "boolean"),
    ),
    kind="reference",
    dropped_ids_stay=True,
    description="A team of a company.",
)
CAMPAIGN = SourceTable(
    "campaign",
    (_id("campaign_id"), Column("name"), Column("active", "boolean")),
    kind="reference",
    dropped_ids_stay=True,
    description="Why clients are contacted, in the large.",
)
EVENT_TYPE = SourceTable(
    "event_type",
    (_id("event_type_id"), _id("campaign_id", "campaign"), Column("name")),
    kind="reference",
    description="Why a client is contacted; belongs to a campaign.",
)
LOSS_REASON = SourceTable(
    "loss_reason",
    (_id("loss_reason_id"), Column("name")),
    kind="reference",
    dropped_ids_stay=True,
    description="Why a client refused.",
)
CHATBOT_OPTION = SourceTable(
    "chatbot_option",
    (
        _id("option_id"),
        _id("event_type_id", "event_type", nullable=True),
        Column("label", "long_text"),
        Column("action", codes=("book", "refuse", "call_me", "opt_out", "opt_in", "other")),
        _id("loss_reason_id", "loss_reason", nullable=True),
    ),
    kind="reference",
    description="A button of the chatbot. A loss reason only goes with the action `refuse`.",
)

CLIENT = SourceTable(
    "client",
    (
        _id("client_id"),
        _UPDATED_AT,
        Column("name"),
        Column("ddd", nullable=True),
        Column("mobile", nullable=True),
        Column("landline", nullable=True, description="DDD and number."),
        Column("email", nullable=True),
        Column("accepts_messages", "boolean"),
        Column(
            "accepts_calls",
            "boolean",
            nullable=True,
            description="R15: false, is not to be phoned; empty says nothing.",
        ),
    ),
    description="A client, shared by the companies of the group.",
)
VEHICLE = SourceTable(
    "vehicle",
    (
        _id("vehicle_id"),
        _UPDATED_AT,
        _id("client_id", "client"),
        Column("plate", nullable=True),
        Column("model", nullable=True),
        Column("active", "boolean"),
    ),
    description="A vehicle of a client.",
)
AGENDA = SourceTable(
    "agenda",
    (
        _id("agenda_id"),
        _UPDATED_AT,
        _id("company_id", "company"),
        _id("client_id", "client", nullable=True),
        _id("vehicle_id", "vehicle", nullable=True),
        _id("event_type_id", "event_type"),
        _id("team_id", "team", nullable=True),
        _id("agent_id", "app_user", nullable=True),
        Column("origin", codes=("active", "passive")),
        Column("contact_date", "date"),
        _at("created_at"),
        _at("closed_at", nullable=True),
    ),
    parent="company_id",
    description="One scheduled contact with one client about one event, on one date.",
)
DISPATCH = SourceTable(
    "dispatch",
    (
        _id("dispatch_id"),
        _UPDATED_AT,
        _id("agenda_id", "agenda"),
        Column("purpose", codes=("first_contact", "no_show")),
        _at("queued_at"),
        _at("sent_at", nullable=True),
        _at("delivered_at", nullable=True),
        _at("read_at", nullable=True),
        _at("failed_at", nullable=True),
        Column("error_code", nullable=True, description="WhatsApp's numeric code, as text."),
        Column("error_message", "long_text", nullable=True),
    ),
    parent="agenda_id",
    company_from="agenda",
    description="One WhatsApp message of an agenda, put in LEADZAP's queue.",
)
BOOKING = SourceTable(
    "booking",
    (
        _id("booking_id"),
        _UPDATED_AT,
        _id("agenda_id", "agenda"),
        Column("channel", codes=("leadzap", "phone", "front_desk")),
        _at("created_at"),
        _at("scheduled_for"),
        _at("confirmed_at", nullable=True),
        _at("arrived_at", nullable=True),
        _at("cancelled_at", nullable=True),
        _at("no_show_at", nullable=True, description="Marked by hand at the front desk."),
    ),
    parent="agenda_id",
    company_from="agenda",
    description="A visit to the workshop, booked for a date and hour.",
)
REPLY = SourceTable(
    "reply",
    (
        _id("reply_id"),
        _UPDATED_AT,
        _id("dispatch_id", "dispatch"),
        _id("option_id", "chatbot_option"),
        _at("replied_at"),
    ),
    parent="dispatch_id",
    company_from="dispatch",
    description="What the client clicked in the chatbot.",
)
PASSIVE_CONTACT = SourceTable(
    "passive_contact",
    (
        _id("contact_id"),
        _UPDATED_AT,
        _id("company_id", "company"),
        Column("whatsapp_number", nullable=True),
        Column("menu_option", codes=("book", "service_orders", "other")),
        _at("contacted_at"),
        _id("agenda_id", "agenda", nullable=True),
        _id("booking_id", "booking", nullable=True),
        _at("handled_at", nullable=True, description="R18: somebody has answered."),
    ),
    description="A client or lead who wrote to LEADZAP first.",
)
CALL_ATTEMPT = SourceTable(
    "call_attempt",
    (
        _id("attempt_id"),
        _UPDATED_AT,
        _id("agenda_id", "agenda"),
        # Need not be known: a call that is not counted is made again.
        _id("user_id"),
        _at("called_at"),
        Column(
            "outcome",
            codes=(
                "no_answer",
                "busy",
                "wrong_number",
                "call_back",
                "booked",
                "refused",
                "do_not_call",
                "other",
                "void",
            ),
            description="`do_not_call`: asked not to be phoned. `void`: recorded by mistake.",
        ),
        Column(
            "call_back_at",
            "timestamp",
            nullable=True,
            only_with=("outcome", "call_back"),
            description="When the client wants to be called again; ignored unless `call_back`.",
        ),
        Column(
            "loss_reason_id",
            "id",
            nullable=True,
            only_with=("outcome", "refused"),
            description="Why the client refused; ignored unless `refused`.",
        ),
        Column("note", "long_text", nullable=True),
    ),
    parent="agenda_id",
    company_from="agenda",
    may_be_missing=True,
    description="A phone call an attendant made.",
)

# In load order: each table follows the tables to which it refers.
SOURCE_TABLES: tuple[SourceTable, ...] = (
    COMPANY,
    APP_USER,
    USER_COMPANY,
    TEAM,
    CAMPAIGN,
    EVENT_TYPE,
    LOSS_REASON,
    CHATBOT_OPTION,
    CLIENT,
    VEHICLE,
    AGENDA,
    DISPATCH,
    BOOKING,
    REPLY,
    PASSIVE_CONTACT,
    CALL_ATTEMPT,
)
REFERENCE_TABLES = tuple(table for table in SOURCE_TABLES if table.kind == "reference")
ENTITY_TABLES = tuple(table for table in SOURCE_TABLES if table.kind == "entity")


def source_table(name: str) -> SourceTable:
    """Return the table of that name; raise KeyError when the contract has none."""
    for table in SOURCE_TABLES:
        if table.name == name:
            return table
    raise KeyError(f"the source contract has no table {name}")


def number_text(value: float | Decimal) -> str:
    """Format a number in full, without exponent and without zeros after the last digit."""
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    if not exact:
        return "0"  # of either sign
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
