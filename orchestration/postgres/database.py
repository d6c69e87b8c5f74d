"""The address of a PostgreSQL database, in the form that each library expects."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestration.errors import DatabaseError
from orchestration.postgres import pooler, session

MINIMUM_SERVER_VERSION = 170000

# Errors are raised. What psycopg logs in addition quotes messages of PostgreSQL, which may quote
# rows.
logging.getLogger("psycopg").addFilter(lambda _: False)


# The environment variables of libpq for parameters that only libpq uses.
_OF_LIBPQ = {
    "client_encoding": "PGCLIENTENCODING",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "options": "PGOPTIONS",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
}


@dataclass(frozen=True, slots=True)
class Database:
    """The address of a PostgreSQL database.

    `url` is any libpq URL or connection string; every other form is derived from it here.
    """

    url: str

    @property
    def parts(self) -> dict[str, str]:
        """The address as libpq keywords: host, port, user, password, dbname, options …"""
        given = {key: str(value) for key, value in conninfo_to_dict(self.url).items() if value}
        # Unlike the other settings it is stated at the start: psycopg2 asks for it only then.
        return given | {"client_encoding": session.SETTINGS["client_encoding"]}

    def named(self, name: str, user: str | None = None) -> Database:
        """Return another database of the same server, optionally with another user."""
        changes = {"dbname": name} | ({"user": user} if user else {})
        return Database(make_conninfo(self.url, **changes))

    @property
    def is_clear(self) -> bool:
        """Whether no part of the address can belong to an unencoded password.

        libpq parses `se` of `postgresql://ana:se/cret@host/crm` as the port, and the rest as the
        name.
        """
        parts = self.parts
        if "://" not in self.url:
            return True
        numbers = parts.get("port", "0").split(",")
        shown = parts.get("host", "") + parts.get("dbname", "") + self.url.partition("?")[2]
        return "@" not in shown and all(number.isdigit() for number in numbers if number)

    @property
    def label(self) -> str:
        """Host and database name for messages, without the password."""
        parts = self.parts
        return f"{parts.get('host', 'localhost')}/{parts.get('dbname', '')}"

    def sqlalchemy_url(self, driver: str) -> str:
        """Return the URL for SQLAlchemy with an explicit driver (`psycopg`, `psycopg2`).

        A socket directory goes into the query, since the host of a URL cannot contain a slash.
        """
        parts = self.parts
        query: dict[str, str] = {
            key: value
            for key, value in parts.items()
            if key not in ("host", "port", "user", "password", "dbname")
        }
        host = parts.get("host")  # without a host libpq uses its default
        if host and host.startswith("/"):
            query["host"], host = host, "localhost"
        from sqlalchemy.engine import URL

        return URL.create(
            f"postgresql+{driver}",
            username=parts.get("user"),
            password=parts.get("password"),
            host=host,
            port=int(parts["port"]) if "port" in parts else None,
            database=parts.get("dbname"),
        ).render_as_string(hide_password=False) + ("?" + urlencode(query) if query else "")

    def dbt_environment(self) -> dict[str, str]:
        """Return the environment variables for `dbt_project/profiles.yml`.

        Parameters that a profile does not support are passed in libpq's own variables.
        """
        parts = self.parts
        return {
            **{_OF_LIBPQ[key]: value for key, value in parts.items() if key in _OF_LIBPQ},
            "ATENDIMENTO_DBT_HOST": parts.get("host", ""),
            "ATENDIMENTO_DBT_PORT": parts.get("port", "5432"),
            "ATENDIMENTO_DBT_USER": parts.get("user", ""),
            "ATENDIMENTO_DBT_PASSWORD": parts.get("password", ""),
            "ATENDIMENTO_DBT_DATABASE": parts.get("dbname", ""),
            **({"ATENDIMENTO_DBT_SSLMODE": parts["sslmode"]} if "sslmode" in parts else {}),
        }

    def connect(self, *, application: str = "atendimento") -> psycopg.Connection:
        """Open a connection with the settings that every session relies on.

        Raises:
            DatabaseError: The server cannot be reached or is older than version 17, or a pooler
                shares its sessions.
        """
        address = make_conninfo(
            "", **self.parts, application_name=application, connect_timeout="10"
        )

        def connected() -> psycopg.Connection:
            return psycopg.connect(address, autocommit=True)

        try:
            conn = connected()
            try:
                self._assert_usable(conn, connected)
                session.pin(conn)
                conn.autocommit = False
            except BaseException:
                conn.close()
                raise
        except psycopg.Error as error:
            raise DatabaseError(
                f"The database {self.label} cannot be reached: {str(error).strip()}\n"
                "Nothing was changed. Check that the server runs and that "
                "ATENDIMENTO_DATABASE_URL names it."
            ) from error
        return conn

    def assert_fit(self, conn: psycopg.Connection) -> None:
        """Raise DatabaseError unless the database can hold what the program stores.

        A source may have any encoding, since PostgreSQL converts what is read.
        """
        encoding = conn.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise DatabaseError(
                f"The database {self.label} has the encoding {encoding}, and it must be UTF8: "
                "create another one with `encoding 'UTF8' template template0`. Nothing was changed."
            )

    def _assert_usable(
        self, conn: psycopg.Connection, connect: Callable[[], psycopg.Connection]
    ) -> None:
        version = conn.info.server_version
        if version < MINIMUM_SERVER_VERSION:
            raise DatabaseError(
                f"The database {self.label} is PostgreSQL {version // 10000}; "
                f"{MINIMUM_SERVER_VERSION // 10000} or newer is needed. Nothing was changed."
            )
        if pooler.is_shared(conn, connect):
            raise DatabaseError(
                f"The database {self.label} is reached through a pooler that gives sessions to "
                "others between transactions: a direct or session-pooled connection is needed "
                "(PgBouncer: pool_mode=session). Nothing was changed."
            )
