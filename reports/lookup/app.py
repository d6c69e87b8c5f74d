"""The app: routes, what stands before them, and its life.

Belongs here: putting together. Does not: anything that a request then does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from reports.lookup import (
    access_log,
    chosen,
    exports,
    ficha_page,
    health,
    home,
    password_page,
    report_files,
    screen,
    search,
    sign_in,
)
from reports.lookup.config import LookupConfig
from reports.lookup.connections import Connections, page_settings, sign_in_settings
from reports.lookup.errors import HANDLERS, error_page
from reports.lookup.passwords import Hasher
from reports.lookup.security import KnownHosts, LastErrors, Proxy, SafeHeaders, SmallBodies
from reports.lookup.visit import PASSWORD_PATH, Services, visiting


def create_app(config: LookupConfig) -> Starlette:
    """Build the app; it connects when its life begins, whether the database is there or not."""
    services = Services(
        config=config,
        page=Connections(
            config.page_database,
            name="atendimento page",
            size=config.connections,
            settings=page_settings(config.statement_seconds),
            patience=config.patience_seconds,
        ),
        keeper=Connections(
            config.sign_in_database,
            name="atendimento sign-in",
            size=config.connections,
            settings=sign_in_settings(config.statement_seconds),
            patience=config.patience_seconds,
        ),
        hasher=Hasher(config.hash_cost),
        sign_in_form=sign_in.form,
    )
    own_routes: list[Route] = []
    if config.openid:
        # What it needs is an extra, which is there only where it is used.
        from reports.lookup import openid_sign_in

        door = openid_sign_in.Door(config.openid)
        services = replace(services, sign_in_form=door.form)
        own_routes = door.routes()

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        services.page.open()
        services.keeper.open()
        try:
            yield
        finally:
            services.page.close()
            services.keeper.close()

    app = Starlette(
        routes=[*own_routes, *routes()],
        middleware=[
            Middleware(Proxy, config),
            Middleware(SafeHeaders),
            Middleware(LastErrors, error_page),
            Middleware(KnownHosts, config.hosts, error_page),
            Middleware(SmallBodies, config.largest_body, error_page),
        ],
        exception_handlers=HANDLERS,
        lifespan=life,
    )
    app.state.services = services
    return app


def routes() -> list[Route]:
    """Every address of the app."""
    return [
        Route("/health", health.show),
        Route(sign_in.PATH, sign_in.show),
        Route(sign_in.PATH, sign_in.enter, methods=["POST"]),
        Route(
            sign_in.LEAVE_PATH, visiting(sign_in.leave, with_first_password=True), methods=["POST"]
        ),
        Route(PASSWORD_PATH, visiting(password_page.show, with_first_password=True)),
        Route(
            PASSWORD_PATH,
            visiting(password_page.change, with_first_password=True),
            methods=["POST"],
        ),
        Route(chosen.PATH, visiting(screen.show)),
        Route(exports.CSV_PATH, visiting(exports.csv, turn=exports.TURN)),
        Route(exports.XLSX_PATH, visiting(exports.xlsx, turn=exports.TURN)),
        *(
            route
            for path in (ficha_page.PATH, ficha_page.SHORT_PATH)
            for route in (
                Route(path, visiting(ficha_page.show)),
                Route(path, visiting(ficha_page.reveal), methods=["POST"]),
            )
        ),
        Route(search.PATH, visiting(search.show)),
        Route(search.PATH, visiting(search.seek), methods=["POST"]),
        Route(home.PATH, visiting(home.show)),
        Route(access_log.PATH, visiting(access_log.show)),
        Route(report_files.PATH, visiting(report_files.show)),
        Route(report_files.PATH, visiting(report_files.take), methods=["POST"]),
    ]
