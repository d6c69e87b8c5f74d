"""Whose number it is, as SQL, at load: consent that WhatsApp reports names a number alone."""

from __future__ import annotations

from psycopg import sql

# Every white space counts as a space (R4).
_SPACES = (
    r"\t\n\u000b\f\r\u001c\u001d\u001e\u001f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004"
    r"\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def key_of_number(number: sql.Composable) -> sql.Composed:
    """The key of a number with its country; null when it is no Brazilian one."""
    national = sql.SQL(
        "regexp_replace(regexp_replace({}, '[^0-9]', '', 'g'), '^55([0-9]{{10,11}})$', '\\1')"
    ).format(number)
    return _key(national)


def key_of_client(alias: str) -> sql.Composed:
    """The key of a client's mobile; null when it does not pass R4."""
    ddd, mobile = (_clean(sql.Identifier(alias, column)) for column in ("ddd", "mobile"))
    return sql.SQL(
        "case when {ddd} ~ '^[0-9]{{2}}$' and {mobile} ~ '^[0-9]{{8,9}}$' then {key} end"
    ).format(ddd=ddd, mobile=mobile, key=_key(sql.SQL("{} || {}").format(ddd, mobile)))


def _key(number: sql.Composable) -> sql.Composed:
    return sql.SQL(
        "case when ({number}) ~ '^[0-9]{{2}}9[6-9][0-9]{{7}}$' "
        "then left({number}, 2) || substr({number}, 4) "
        "when ({number}) ~ '^[0-9]{{10,11}}$' then {number} end"
    ).format(number=number)


def _clean(number: sql.Composable) -> sql.Composed:
    return sql.SQL("translate({}, e' ().-+{}', '')").format(number, sql.SQL(_SPACES))
