"""`atendimento notify`: send what is wrong, or well again, to every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import UsageError, UserError

if TYPE_CHECKING:
    from orchestration.settings import Settings


def notify(
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message by each channel instead.")
    ] = False,
) -> None:
    """Send what is wrong, or well again, by now."""
    from orchestration.settings import load_settings

    settings = load_settings()
    if test:
        _send_tests(settings)
    else:
        _send_news(settings)


def _send_news(settings: Settings) -> None:
    import psycopg

    from orchestration.errors import DatabaseError
    from orchestration.notifications import channels, dispatcher
    from orchestration.runs.bootstrap import open_database

    places = channels.configured_channels(settings)
    try:
        failures = dispatcher.dispatch_notifications(settings, open_database(settings), to=places)
    except (DatabaseError, psycopg.Error) as error:
        for failure in dispatcher.notify_without_database(settings, "database_away", {}, places):
            print(failure)
        if isinstance(error, DatabaseError):
            raise
        # PostgreSQL's own words may repeat rows.
        raise UserError(
            f"the database did not take what there was to keep ({type(error).__name__}). "
            "See whether its disk is full (`atendimento doctor`)."
        ) from None
    for failure in failures:
        print(failure)
    if failures:
        raise UserError("not everything was told. It is tried again next time.")
    print(f"Told what there was to tell; channels: {len(places)}.")


def _send_tests(settings: Settings) -> None:
    from orchestration.notifications import dispatcher

    tried = list(dispatcher.send_test_messages(settings))
    if not tried:
        raise UsageError(
            "No channel is set. Set ATENDIMENTO_NOTIFY_WEBHOOKS, ATENDIMENTO_NOTIFY_EMAIL_TO or "
            "ATENDIMENTO_NOTIFY_CHAT_URLS."
        )
    for label, failure in tried:
        print(f"{'WRONG' if failure else 'ok   '}  {label}: {failure or 'it took the test'}")
    failed = sum(bool(failure) for _, failure in tried)
    if failed:
        raise UserError(f"{failed} of {len(tried)} channels. Correct their settings.")
    print(f"Sent; channels: {len(tried)}. See that it arrived.")
