"""`atendimento serve`: serve the lookup page."""

from __future__ import annotations

from orchestration.cli.parameters import Host, Port


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the lookup page over what was published."""
    from orchestration.http_server.listening import bind_socket
    from orchestration.lookup_server import serve as lookup_server_serve
    from orchestration.settings import load_settings

    settings = load_settings()
    database, logins = lookup_server_serve.prepare_lookup_server(settings)
    listening = bind_socket(host, port)
    for line in lookup_server_serve.startup_messages(settings, database):
        print(line)
    named = f"[{host}]" if ":" in host else host
    print(f"The lookup page is on http://{named}:{port}", flush=True)
    lookup_server_serve.serve_lookup(settings, logins, listening, host)
    print("Stopped serving.")
