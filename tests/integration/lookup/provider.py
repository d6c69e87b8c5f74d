"""An OpenID provider of our own, over HTTP on this machine."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from orchestration.http_server.listening import bind_socket
from reports.lookup.config import OpenIdConfig
from tests.integration.lookup.office import Browser

CLIENT_ID, CLIENT_SECRET = "tela", "um-segredo-so-nosso"
PUBLIC = "http://127.0.0.1"


def new_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@dataclass
class FakeProvider:
    """One that does all right, until a test says otherwise."""

    issuer: str
    keys: list[RSAKey]
    header: dict[str, Any] = field(default_factory=dict)
    signing: Any = None
    claims: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    is_down: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    keys_asked: int = 0

    def reset(self) -> None:
        """Right in everything again."""
        self.__init__(self.issuer, self.keys[:1])  # type: ignore[misc]

    def approve(self, address: str, login: str, **claims: Any) -> dict[str, str]:
        """Somebody signs in at the address they were sent to: what they bring back."""
        given = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self.codes)}-{time.monotonic_ns()}"
        self.codes[code] = given
        now = int(time.time())
        self.claims = {
            "iss": self.issuer,
            "sub": f"subject of {login}",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": given["nonce"],
            "preferred_username": login,
        } | claims
        return {"state": given["state"], "code": code}

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/.well-known/openid-configuration", self.discovery),
            Route("/keys", self.show_keys),
            Route("/token", self.exchange, methods=["POST"]),
        ]

    def discovery(self, _: Request) -> JSONResponse:
        """What it says of itself."""
        if self.is_down:
            return JSONResponse({}, 500)
        endpoints = {
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
        }
        return JSONResponse({"issuer": self.issuer} | endpoints | self.metadata)

    def show_keys(self, _: Request) -> JSONResponse:
        """The keys to verify with."""
        self.keys_asked += 1
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def exchange(self, request: Request) -> JSONResponse:
        """A code for an ID token, once."""
        if self.is_down:
            return JSONResponse({}, 503)
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        self.asked.append(form | {"authorization": request.headers.get("authorization", "")})
        begun = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        verifier = form.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(sha256(verifier).digest()).decode().rstrip("=")
        if (
            begun is None
            or request.headers.get("authorization") != f"Basic {basic}"
            or begun["code_challenge"] != challenge
            or begun["code_challenge_method"] != "S256"
            or begun["redirect_uri"] != form.get("redirect_uri")
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        key = self.signing or self.keys[0]
        header = {"alg": "RS256", "kid": self.keys[0].kid} | self.header
        token = self.token or jwt.encode(header, self.claims, key, algorithms=[header["alg"]])
        return JSONResponse(
            {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token}
        )


@contextmanager
def provider_running() -> Iterator[FakeProvider]:
    """The provider, listening."""
    listening = bind_socket("127.0.0.1", 0)
    provider = FakeProvider(f"http://127.0.0.1:{listening.getsockname()[1]}", [new_key("first")])
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=provider.routes()), log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield provider
    finally:
        server.should_exit = True
        thread.join()


def told(provider: FakeProvider, **others: Any) -> OpenIdConfig:
    """What the page is told of the provider."""
    known: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "public_url": PUBLIC,
        "waits_seconds": 2,
        "pause_seconds": 0,
    }
    return OpenIdConfig(**known | others)


def begin(browser: Browser, path: str = "/") -> str:
    """Where the page sends the browser to sign in."""
    answer = browser.get("/entrar/acesso", params={"ir": path})
    assert answer.status_code == 303
    return answer.headers["location"]


def come_back(browser: Browser, brought: dict[str, str]) -> httpx.Response:
    """The provider has sent the browser back."""
    return browser.get("/entrar/retorno", params=brought)
