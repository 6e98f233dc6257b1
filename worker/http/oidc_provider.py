"""OpenID Connect by Authlib: the code flow with PKCE, the provider found by its issuer."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx import AsyncClient, HTTPError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fallbacks.access.identity import Begun, Identity, IdentityFault
from tasks.language import N_

SECONDS = 10.0
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Never a symmetric one: its key would be the secret that this client holds."""

FRESH_SECONDS = 3600.0
"""How long what the provider says of itself is believed; its keys are asked for again where one is unknown."""

LEEWAY_SECONDS = 60


@dataclass
class OidcProvider:
    """Implements `fallbacks.access.identity.IdentityProvider`.

    issuer: its address. back: where it sends browsers to. name_claim, groups_claim: of the ID token, or of userinfo.
    """

    issuer: str
    client_id: str
    client_secret: str
    back: str
    name: str = "your company's account"
    name_claim: str = "email"
    groups_claim: str = "groups"
    scope: str = "openid email profile"
    _known: dict[str, Any] = field(default_factory=dict)
    _until: float = 0.0

    async def begin(self) -> Begun:
        """See the port."""
        about, verifier, nonce = await self._about(), secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        async with self._client() as client:
            address, state = client.create_authorization_url(
                about["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        return Begun(address, state, nonce, verifier)

    async def finish(self, code: str, begun: Mapping[str, str]) -> Identity:
        """See the port."""
        about = await self._about()
        try:
            async with self._client() as client:
                token = await client.fetch_token(
                    about["token_endpoint"], code=code, code_verifier=begun["verifier"], timeout=SECONDS
                )
                claims = await self._claims(token.get("id_token", ""), begun["nonce"])
                if self._lacks(claims) and "userinfo_endpoint" in about:
                    claims = {**await self._userinfo(client, about["userinfo_endpoint"], claims["sub"]), **claims}
        except (OAuthError, HTTPError, JoseError, ValueError, KeyError) as error:
            raise IdentityFault(N_("the identity provider's answer cannot be used: %(why)s"), why=str(error)) from error
        return self._identity(claims)

    def _lacks(self, claims: Mapping[str, Any]) -> bool:
        return not {self.name_claim, self.groups_claim} <= claims.keys()

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        name, groups = claims.get(self.name_claim), claims.get(self.groups_claim, ())
        if not isinstance(name, str) or not name:
            raise IdentityFault(N_("the identity provider says no %(claim)s of you"), claim=self.name_claim)
        if self.name_claim == "email" and claims.get("email_verified") is False:
            raise IdentityFault(N_("the identity provider has not verified your address"))
        listed = (groups,) if isinstance(groups, str) else tuple(str(group) for group in groups)
        return Identity(f"{self.issuer}#{claims['sub']}", name, listed)

    async def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Of an ID token that is ours, of now, and of this sign-in (OpenID Connect Core, 3.1.3.7)."""
        about = await self._about()
        try:
            read = jwt.decode(id_token, KeySet.import_key_set(about["jwks"]), algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # its keys may have been changed
            read = jwt.decode(id_token, KeySet.import_key_set((await self._about(anew=True))["jwks"]), ALGORITHMS)
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(read.claims)
        if isinstance(read.claims["aud"], list) and read.claims.get("azp", self.client_id) != self.client_id:
            raise ValueError("the ID token was made for another")
        return dict(read.claims)

    async def _userinfo(self, client: AsyncOAuth2Client, address: str, subject: str) -> dict[str, Any]:
        answer = await client.get(address, timeout=SECONDS)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        if found.get("sub") != subject:
            raise ValueError("userinfo is of somebody else")
        return found

    async def _about(self, *, anew: bool = False) -> dict[str, Any]:
        """What the provider says of itself, and its keys."""
        if not anew and time() < self._until:
            return self._known
        try:
            about = await self._asked()
        except (HTTPError, ValueError, KeyError, TypeError) as error:
            raise IdentityFault(
                N_("the identity provider at %(issuer)s cannot be reached or used: %(why)s"),
                issuer=self.issuer,
                why=str(error),
            ) from error
        self._known, self._until = about, time() + FRESH_SECONDS
        return about

    async def _asked(self) -> dict[str, Any]:
        async with AsyncClient(timeout=SECONDS) as client:
            at = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            about: dict[str, Any] = (await client.get(at)).raise_for_status().json()
            if about["issuer"] != self.issuer:
                raise ValueError(f"it calls itself {about['issuer']!r}")
            if not {"authorization_endpoint", "token_endpoint"} <= about.keys():
                raise ValueError("it names no endpoints")
            return {**about, "jwks": (await client.get(about["jwks_uri"])).raise_for_status().json()}

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self.client_id,
            client_secret=self.client_secret,
            scope=self.scope,
            redirect_uri=self.back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the name of a method
        )
