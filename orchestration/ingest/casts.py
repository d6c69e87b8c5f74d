"""SQL that checks delivered text and casts it to typed values.

PostgreSQL's input is laxer than the contract (`now`, no offset, 24:00, :60), so the shape of a
value is checked first. The cheap check accepts common shapes only and leaves calendar errors to the
cast; the exact check decides every value and never raises.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from psycopg import sql

from orchestration.ingest import errors
from orchestration.ingest.contract import (
    EARLIEST_YEAR,
    ID_LENGTH,
    LATEST_YEAR,
    LONG_TEXT_LENGTH,
    TEXT_LENGTH,
    Column,
    SourceTable,
)

# What Python's `str.strip` removes, the same as R4's spaces.
WHITE_SPACE = (
    " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)

_TRUE = ("true", "t", "1", "s")
_FALSE = ("false", "f", "0", "n")

# Parts of a common timestamp, looked up in hashed lists: three times as fast as `translate` and
# eight times as fast as a regular expression. Rarer forms are left to the exact check.
_YEARS = [f"{year:04}" for year in range(1900, 3000)]
_MONTH_DAYS = [f"-{month:02}-{day:02}" for month, day in product(range(1, 13), range(1, 32))]
_MINUTES = [f"{hour:02}:{minute:02}:" for hour, minute in product(range(24), range(60))]
_SECONDS = [f"{second:02}" for second in range(60)]
_OFFSETS = ["Z"] + [
    f"{sign}{hour:02}{minutes}"
    for sign, hour in product("+-", range(16))
    for minutes in ("", *(f"{colon}{m:02}" for colon in ("", ":") for m in (0, 15, 30, 45)))
]
# What may follow the seconds when there is a fraction, with each digit replaced by 9.
_FRACTION_SHAPES = [
    "." + "9" * digits + offset
    for digits, offset in product(
        range(1, 10), ("Z", "+99:99", "-99:99", "+9999", "-9999", "+99", "-99")
    )
]
_TIMESTAMP = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
)
_LONGEST_COMMON_TIMESTAMP = 40  # PostgreSQL's parser accepts about 128 characters
# What may follow a date, as data frames and spreadsheets write dates. It says nothing more,
# whatever its offset.
_MIDNIGHT = r"[T ]00:00:00(\.0+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
_MIDNIGHTS = [
    f"{mark}00:00:00{zeros}{offset}"
    for mark, zeros, offset in product(
        "T ", ("", ".0", ".000", ".000000", ".000000000"), ("", *_OFFSETS)
    )
]
_WHOLE = "^-?[0-9]{1,9}$"
_HOURS = r"^-?[0-9]{1,9}(\.[0-9]{1,30})?$"


def text_that_counts(column: Column, text_of: Callable[[str], sql.Composable]) -> sql.Composable:
    """Build an expression for the delivered text of a column, null where it is to be ignored."""
    if column.only_with is None:
        return text_of(column.name)
    other, code = column.only_with
    return sql.SQL("case when {} = {} then {} end").format(
        text_of(other), sql.Literal(code), text_of(column.name)
    )


def cheap_check(column: Column, value: sql.Composable) -> sql.Composed:
    """Build a condition that holds only for values without fault, apart from calendar errors."""
    checked = _cheap_test(column).format(v=value, **_constants(column))
    if column.nullable:
        return sql.SQL("({} is null or {})").format(value, checked)
    return checked


def fault(column: Column, value: sql.Composable, *, is_key: bool = False) -> sql.Composed:
    """Build an expression for the reason why a value is rejected, or null.

    Args:
        column: The column of the source contract.
        value: The delivered text.
        is_key: Whether the column is part of the key.

    Returns:
        An expression in SQL.
    """
    value = _trimmed(column, value)
    missing = errors.MISSING_KEY if is_key else errors.MISSING_VALUE
    tests: list[sql.Composable] = []
    if not column.nullable:
        tests.append(sql.SQL("when {} is null then {}").format(value, sql.Literal(missing)))
    tests.extend(
        sql.SQL("when {} is not null and not {} then {}").format(
            value, sql.SQL(test).format(v=value, **_constants(column)), sql.Literal(reason)
        )
        for test, reason in _exact_tests(column)
    )
    if not tests:
        return sql.SQL("null::text").format()
    return sql.SQL("case {} end").format(sql.SQL(" ").join(tests))


def first_fault(table: SourceTable, value: Callable[[str], sql.Composable]) -> sql.Composed:
    """Build an expression for the first fault of a row as `column:reason`, or null.

    Args:
        table: The table of the source contract, whose order of columns counts.
        value: Returns the delivered text of a column.

    Returns:
        An expression in SQL.
    """
    return sql.SQL("coalesce({})").format(
        sql.SQL(", ").join(
            sql.SQL("{} || ({})").format(
                sql.Literal(f"{column.name}:"),
                fault(column, text_that_counts(column, value), is_key=column.name in table.key),
            )
            for column in table.columns
        )
    )


def cast(column: Column, value: sql.Composable, *, common: bool = False) -> sql.Composed:
    """Build an expression for the typed value of a text without fault.

    Args:
        column: The column of the source contract.
        value: The delivered text.
        common: Whether the text has passed `cheap_check`.

    Returns:
        An expression in SQL.
    """
    if column.kind == "boolean":
        return sql.SQL('lower({} collate "C") = any({})').format(value, sql.Literal(list(_TRUE)))
    if column.kind == "timestamp" and not common:
        return sql.SQL(_SHORTENED + "::timestamptz").format(
            v=value, limit=sql.Literal(_LONGEST_COMMON_TIMESTAMP)
        )
    if column.kind == "date":
        return sql.SQL("left({}, 10)::date").format(value)
    if column.kind == "id":
        return sql.SQL('{}::text collate "C"').format(_trimmed(column, value))
    if column.kind == "long_text":
        return sql.SQL('left({}, {})::text collate "default"').format(
            value, sql.Literal(LONG_TEXT_LENGTH)
        )
    if column.kind in ("text", "timezone"):
        return sql.SQL('{}::text collate "default"').format(value)
    return sql.SQL("{}::{}").format(value, sql.SQL(column.sql_type))


def _trimmed(column: Column, value: sql.Composable) -> sql.Composable:
    """An id without the white space around it, or null when nothing is left; else the value."""
    if column.kind != "id":
        return value
    return sql.SQL("nullif(btrim({}, {}), '')").format(value, sql.Literal(WHITE_SPACE))


# Digits far beyond the microsecond are cut off before the cast.
_SHORTENED = (
    "case when length({v}) <= {limit} then {v} "
    r"else regexp_replace({v}, '(\.[0-9]{{15}})[0-9]*', '\1') end"
)
_COMMON_TIMESTAMP = """(
    left({v}, 4) = any({years}) and substr({v}, 5, 7) = any({month_days_separated})
    and substr({v}, 12, 6) = any({minutes}) and substr({v}, 18, 2) = any({seconds})
    and (
        substr({v}, 20) = any({offsets})
        or (
            substr({v}, 20, 1) = '.'
            and translate(substr({v}, 20), '012345678', '999999999') = any({fractions})
        )
    )
)"""
_BOOLEAN = 'lower({v} collate "C") = any({booleans})'
_WITHIN_YEARS = "{v} >= {earliest} and {v} < {after_latest}"


def _cheap_test(column: Column) -> sql.SQL:
    if column.codes:
        return sql.SQL("{v} = any({codes})")
    match column.kind:
        case "id":
            # Most ids begin with a character that shows that they are not blank.
            return sql.SQL(
                "(length({v}) <= {id_length}"
                " and ({v} collate \"C\" between '!' and '~'"
                " or btrim({v}, {white_space}) <> ''))"
            )
        case "timestamp":
            return sql.SQL(_COMMON_TIMESTAMP)
        case "date":
            return sql.SQL(
                "(left({v}, 4) = any({years}) and substr({v}, 5, 6) = any({month_days}) "
                "and (length({v}) = 10 or substr({v}, 11) = any({midnights})))"
            )
        case "boolean":
            return sql.SQL(_BOOLEAN)
        case "text":
            return sql.SQL("length({v}) <= {text_length}")
        case "long_text":
            return sql.SQL("{v} is not null")
    raise ValueError(f"only reference tables have {column.kind}; they are read exactly")


def _exact_tests(column: Column) -> list[tuple[str, str]]:
    """Conditions in the order they are tested, each with the reason when it does not hold."""
    if column.codes:
        return [("{v} = any({codes})", errors.UNKNOWN_CODE)]
    match column.kind:
        case "id":
            return [("length({v}) <= {id_length}", errors.TOO_LONG)]
        case "text":
            return [("length({v}) <= {text_length}", errors.TOO_LONG)]
        case "long_text":
            return []
        case "boolean":
            return [(_BOOLEAN, errors.DOES_NOT_CAST)]
        case "date":
            valid = (
                f"({_WITHIN_YEARS} and {{v}} ~ {{date}} "
                "and pg_input_is_valid(left({v}, 10), 'date'))"
            )
            return [(valid, errors.DOES_NOT_CAST)]
        case "timestamp":
            valid = (
                f"(({_COMMON_TIMESTAMP} or ({_WITHIN_YEARS} and {{v}} ~ {{timestamp}})) "
                f"and pg_input_is_valid({_SHORTENED}, 'timestamptz'))"
            )
            return [(valid, errors.DOES_NOT_CAST)]
        case "timezone":
            known = "{v} in (select name from load_staging.timezone)"
            return [(known, errors.UNKNOWN_TIMEZONE)]
        case "whole" | "hours":
            limits = [
                f"{{v}}::numeric {sign} {bound}"
                for sign, bound in (
                    (">=", column.minimum),
                    (">", column.above),
                    ("<=", column.maximum),
                )
                if bound is not None
            ]
            return [
                ("{v} ~ {number}", errors.DOES_NOT_CAST),
                # `case`, so that only numbers are cast.
                (
                    f"(case when {{v}} ~ {{number}} then {' and '.join(limits or ['true'])} end)",
                    errors.OUT_OF_RANGE,
                ),
            ]


def _constants(column: Column) -> dict[str, sql.Composable]:
    return {
        "codes": sql.Literal(list(column.codes)),
        "booleans": sql.Literal([*_TRUE, *_FALSE]),
        "years": sql.Literal(_YEARS),
        "month_days": sql.Literal(_MONTH_DAYS),
        "month_days_separated": sql.Literal([day + mark for day in _MONTH_DAYS for mark in "T "]),
        "minutes": sql.Literal(_MINUTES),
        "seconds": sql.Literal(_SECONDS),
        "offsets": sql.Literal(_OFFSETS),
        "fractions": sql.Literal(_FRACTION_SHAPES),
        "midnights": sql.Literal(_MIDNIGHTS),
        "date": sql.Literal(f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}({_MIDNIGHT})?$"),
        "timestamp": sql.Literal(_TIMESTAMP),
        "limit": sql.Literal(_LONGEST_COMMON_TIMESTAMP),
        "number": sql.Literal(_WHOLE if column.kind == "whole" else _HOURS),
        "white_space": sql.Literal(WHITE_SPACE),
        "id_length": sql.Literal(ID_LENGTH),
        "text_length": sql.Literal(TEXT_LENGTH),
        "earliest": sql.Literal(f"{EARLIEST_YEAR:04}"),
        "after_latest": sql.Literal(f"{LATEST_YEAR + 1:04}"),
    }
