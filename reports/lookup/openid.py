"""OpenID Connect client: discovery, authorization requests and verification of ID tokens.

It needs the extra `openid` and is imported only when the sign-in `openid` is configured.
"""

from __future__ import annotations

import time
from ipaddress import ip_address
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from authlib.common.urls import add_params_to_uri
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from reports.lookup.config import OpenIdConfig
from reports.lookup.middleware import LOGGER
from reports.lookup.openid_states import PendingSignIn

RETURN_PATH = "/entrar/retorno"
AFTER_PATH = "/entrar/saida"
# Asymmetric signatures only: never `none` or a shared secret.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
_DISCOVERY = "/.well-known/openid-configuration"
_KNOWN_SECONDS = 3_600
_LEEWAY_SECONDS = 60


class ProviderAway(Exception):
    """The provider does not answer, or its answer is invalid."""


class SignInRefused(Exception):
    """The provider's answer signs nobody in; the message is the kind of reason, without values."""


class IdentityClaims(NamedTuple):
    """The provider's metadata, from discovery."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    by_post: bool
    names_itself: bool
    until: float


class Provider:
    """The provider. Metadata are cached for an hour, keys until an ID token does not verify."""

    def __init__(self, config: OpenIdConfig) -> None:
        self._config = config
        self._lock = Lock()
        self._kept: IdentityClaims | None = None
        self._keys: KeySet | None = None
        self._away_until = 0.0

    def authorization(self, under_way: PendingSignIn) -> str:
        """Return the URL at the provider at which the user signs in."""
        known = self._known()
        with self._client(known) as client:
            address, _ = client.create_authorization_url(
                known.authorization_endpoint,
                state=under_way.state,
                nonce=under_way.nonce,
                code_verifier=under_way.verifier,
            )
        return str(address)

    def login(self, under_way: PendingSignIn, code: str, issuer: str | None) -> str:
        """Exchange an authorization code and verify the ID token.

        Args:
            under_way: The pending sign-in that the code answers.
            code: The authorization code.
            issuer: The `iss` parameter of the answer, if any (RFC 9207).

        Returns:
            The user's login, from the configured claim.

        Raises:
            SignInRefused: The answer is not valid for this sign-in.
            ProviderAway: The provider does not answer, or its answer is invalid.
        """
        known = self._known()
        # RFC 9207: rejects an answer from another provider.
        if issuer != self._config.issuer and (issuer is not None or known.names_itself):
            raise SignInRefused("issuer")
        with self._client(known) as client:
            try:
                token = client.fetch_token(
                    known.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=under_way.verifier,
                    timeout=self._config.waits_seconds,
                    allow_redirects=False,
                )
            except OAuthError as error:
                raise SignInRefused("code") from error
            except (requests.RequestException, ValueError) as error:
                raise self._away(error) from error
        return self._login_of(self._claims(known, token, under_way.nonce))

    def end_session(self) -> str | None:
        """Return the URL at the provider at which the user signs out, or None."""
        known = self._known()
        if known.end_session_endpoint is None:
            return None
        # No `id_token_hint`: it would require storing the ID token, with its personal data.
        told = {
            "client_id": self._config.client_id,
            "post_logout_redirect_uri": f"{self._config.public_url}{AFTER_PATH}?fim=1",
        }
        return str(add_params_to_uri(known.end_session_endpoint, told.items()))

    def _claims(self, known: IdentityClaims, token: dict[str, Any], nonce: str) -> CodeIDToken:
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise SignInRefused("no ID token")
        keys, are_fresh = self._keys, False
        if keys is None:
            keys, are_fresh = self._fetch_keys(known), True
        try:
            decoded = _verified(id_token, keys)
        except JoseError as error:
            # The provider may have rotated its keys since they were fetched.
            if are_fresh:
                raise SignInRefused(type(error).__name__) from error
            try:
                decoded = _verified(id_token, self._fetch_keys(known))
            except JoseError as again:
                raise SignInRefused(type(again).__name__) from again
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self._config.issuer},
                "aud": {"essential": True, "value": self._config.client_id},
            },
            {
                "nonce": nonce,
                "client_id": self._config.client_id,
                "access_token": token.get("access_token"),
            },
        )
        try:
            claims.validate(leeway=_LEEWAY_SECONDS)
        except JoseError as error:
            raise SignInRefused(type(error).__name__) from error
        except (TypeError, ValueError) as error:
            raise SignInRefused("claims") from error
        return claims

    def _login_of(self, claims: CodeIDToken) -> str:
        login = claims.get(self._config.claim)
        if not isinstance(login, str) or not login:
            raise SignInRefused("no claim")
        verified = claims.get("email_verified")
        # Some providers send a string.
        if self._config.claim == "email" and verified is not True and verified != "true":
            raise SignInRefused("e-mail not verified")
        return login

    def _client(self, known: IdentityClaims) -> OAuth2Session:
        return OAuth2Session(
            self._config.client_id,
            self._config.client_secret,
            token_endpoint_auth_method=(
                "client_secret_post" if known.by_post else "client_secret_basic"
            ),
            scope="openid profile email",
            redirect_uri=f"{self._config.public_url}{RETURN_PATH}",
            code_challenge_method="S256",
        )

    def _known(self) -> IdentityClaims:
        with self._lock:
            if self._kept is None or self._kept.until < time.monotonic():
                self._kept = self._discover()
            return self._kept

    def _discover(self) -> IdentityClaims:
        told = self._get(self._config.issuer.rstrip("/") + _DISCOVERY)
        methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        try:
            known = IdentityClaims(
                told["authorization_endpoint"],
                told["token_endpoint"],
                told["jwks_uri"],
                told.get("end_session_endpoint"),
                "client_secret_basic" not in methods and "client_secret_post" in methods,
                told.get("authorization_response_iss_parameter_supported") is True,
                time.monotonic() + _KNOWN_SECONDS,
            )
            addresses = [address for address in known[:4] if address is not None]
            is_fit = told["issuer"] == self._config.issuer and all(map(is_safe, addresses))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._away(error) from error
        if not is_fit:
            raise self._away(ValueError())
        return known

    def _fetch_keys(self, known: IdentityClaims) -> KeySet:
        told = self._get(known.jwks_uri)
        try:
            signing = [key for key in told["keys"] if key.get("use", "sig") == "sig"]
            self._keys = KeySet.import_key_set({"keys": signing})
        except (JoseError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._away(error) from error
        return self._keys

    def _get(self, address: str) -> dict[str, Any]:
        if time.monotonic() < self._away_until:
            raise ProviderAway
        try:
            answer = requests.get(
                address, timeout=self._config.waits_seconds, allow_redirects=False
            )
            answer.raise_for_status()
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise self._away(error) from error
        if not isinstance(told, dict):
            raise self._away(TypeError())
        return told

    def _away(self, error: Exception) -> ProviderAway:
        """Skip the provider for `pause_seconds`: each wait blocks one of the app's few threads."""
        self._away_until = time.monotonic() + self._config.pause_seconds
        LOGGER.error("openid: no valid answer from the provider: %s", type(error).__name__)
        return ProviderAway()


def is_safe(address: str) -> bool:
    """Whether a URL is https, or http to this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    host = parts.hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return parts.scheme == "http" and is_here


def _verified(id_token: str, keys: KeySet) -> jwt.Token:
    # Unregistered headers are common and are ignored.
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    try:
        return jwt.decode(id_token, keys, registry=registry)
    except (TypeError, ValueError) as error:
        raise SignInRefused("ID token") from error
