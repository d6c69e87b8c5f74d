"""The Starlette app: routes, middleware and lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from reports.lookup import (
    audit_log_page,
    exports,
    ficha_page,
    filter_params,
    health,
    lookup_labels,
    password_page,
    report_files,
    reports_index,
    search,
    sign_in,
    totals_page,
)
from reports.lookup.config import LookupConfig
from reports.lookup.connections import ConnectionPools, page_settings, sign_in_settings
from reports.lookup.errors import HANDLERS, error_page
from reports.lookup.health_probe import HealthProbe
from reports.lookup.middleware import (
    FewRequests,
    KnownHosts,
    LastErrors,
    Proxy,
    SafeHeaders,
    SmallBodies,
)
from reports.lookup.passwords import Hasher
from reports.lookup.request_context import (
    PASSWORD_PATH,
    AppServices,
    in_turn_of_address,
    open_request_context,
)
from reports.lookup.turns import Turns


def create_app(config: LookupConfig) -> Starlette:
    """Build the app; the connection pools open in its lifespan, even while the database is down."""
    page, keeper = _pools(config, config.connections)
    services = AppServices(
        config=config,
        page=page,
        keeper=keeper,
        probe=HealthProbe(*_pools(config, 1), config.publish_dir),
        hasher=Hasher(config.hash_cost),
        sign_in_form=sign_in.form,
        turns=Turns(
            of_user=config.requests_of_user,
            in_all=config.requests_at_once,
            patience=config.patience_seconds,
        ),
        # An export takes a core, and memory for all its rows.
        export_turns=Turns(
            of_user=config.exports_of_user, in_all=config.exports_at_once, patience=0
        ),
    )
    own_routes: list[Route] = []
    if config.openid:
        # Imported here because its dependencies are an optional extra.
        from reports.lookup import openid_sign_in

        door = openid_sign_in.OpenIdSignIn(config.openid)
        services = replace(services, sign_in_form=door.form)
        own_routes = door.routes()

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        with services.opened():
            yield

    app = Starlette(
        routes=[*own_routes, *routes()],
        middleware=[
            Middleware(Proxy, config),
            Middleware(SafeHeaders),
            Middleware(LastErrors, error_page),
            Middleware(KnownHosts, config.hosts, error_page),
            Middleware(SmallBodies, config.largest_body, error_page),
            Middleware(FewRequests, config.requests_at_once, _busy_page, without=health.PATH),
        ],
        exception_handlers=HANDLERS,
        lifespan=life,
    )
    app.state.services = services
    return app


def _busy_page() -> Response:
    return error_page(503, lookup_labels.BUSY)


def _pools(config: LookupConfig, size: int) -> tuple[ConnectionPools, ConnectionPools]:
    """Pools of the two logins: the one that reads pages, and the one that writes sessions."""
    return (
        ConnectionPools(
            config.page_database,
            name="atendimento page",
            size=size,
            pin=config.pin,
            settings=page_settings(config.statement_seconds),
            patience=config.patience_seconds,
        ),
        ConnectionPools(
            config.sign_in_database,
            name="atendimento sign-in",
            size=size,
            pin=config.pin,
            settings=sign_in_settings(config.statement_seconds),
            patience=config.patience_seconds,
        ),
    )


def routes() -> list[Route]:
    """Return every route except those of OpenID Connect."""
    return [
        Route(health.PATH, health.show_health),
        Route(sign_in.PATH, sign_in.show),
        Route(sign_in.PATH, in_turn_of_address(sign_in.enter), methods=["POST"]),
        Route(
            sign_in.LEAVE_PATH,
            open_request_context(sign_in.leave, with_first_password=True),
            methods=["POST"],
        ),
        Route(PASSWORD_PATH, open_request_context(password_page.show, with_first_password=True)),
        Route(
            PASSWORD_PATH,
            open_request_context(password_page.change, with_first_password=True),
            methods=["POST"],
        ),
        Route(filter_params.PATH, open_request_context(totals_page.show)),
        Route(exports.CSV_PATH, open_request_context(exports.csv, is_export=True)),
        Route(exports.XLSX_PATH, open_request_context(exports.xlsx, is_export=True)),
        *(
            route
            for path in (ficha_page.PATH, ficha_page.SHORT_PATH)
            for route in (
                Route(path, open_request_context(ficha_page.show)),
                Route(path, open_request_context(ficha_page.reveal), methods=["POST"]),
            )
        ),
        Route(search.PATH, open_request_context(search.show)),
        Route(search.PATH, open_request_context(search.post_search), methods=["POST"]),
        Route(reports_index.PATH, open_request_context(reports_index.show_reports)),
        Route(audit_log_page.PATH, open_request_context(audit_log_page.show)),
        Route(report_files.PATH, open_request_context(report_files.show)),
        Route(report_files.PATH, open_request_context(report_files.take), methods=["POST"]),
    ]
