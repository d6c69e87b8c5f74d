"""`atendimento serve`: serve the lookup page."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.parameters import Host, Port
from orchestration.errors import UsageError


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    prepared: Annotated[
        bool,
        typer.Option(
            "--prepared",
            help="Use only the page's two logins: no access to the database's owner or the state.",
        ),
    ] = False,
    prepare_only: Annotated[
        bool,
        typer.Option("--prepare-only", help="As the owner: prepare the page's logins, and end."),
    ] = False,
) -> None:
    """Serve the lookup page over what was published."""
    from orchestration.http_server.listening import bind_socket
    from orchestration.lookup_server import serve as lookup_server_serve
    from orchestration.settings import load_settings

    if prepared and prepare_only:
        raise UsageError("--prepared and --prepare-only exclude each other.")
    settings = load_settings()
    lines: list[str] = []
    if prepared:
        logins = lookup_server_serve.prepared_logins(settings)
    else:
        database, logins = lookup_server_serve.prepare_lookup_server(settings)
        lines = lookup_server_serve.startup_messages(settings, database)
    if prepare_only:
        print("Prepared: the lookup page can be served with --prepared.")
        return
    listening = bind_socket(host, port)
    for line in lines:
        print(line)
    named = f"[{host}]" if ":" in host else host
    print(f"The lookup page is on http://{named}:{port}", flush=True)
    lookup_server_serve.serve_lookup(settings, logins, listening, host)
    print("Stopped serving.")
