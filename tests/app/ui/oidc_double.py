"""A test double of an OIDC provider: it speaks the protocol over HTTP and signs real JWTs, and lies where told to."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "bgad", "a secret of both"


class OidcDouble:
    """Answers on a port of its own until `stop`.

    Attributes:
        person: the claims of whoever signs in next.
        lies: what it does wrong, by name; empty for an honest provider.
        asked: the parameters of the last authorization request.
    """

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "k1"})
        self.other_key = RSAKey.generate_key(2048, parameters={"kid": "k1"})
        self.person = {"sub": "u-1", "preferred_username": "olga"}
        self.lies: dict = {}
        self.asked: dict = {}
        self.codes: dict = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def visit(self, url: str) -> str:
        """What a browser does there: sign in, and be sent back; the address that it is sent to."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        self.asked = asked
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        given = {"code": code, "state": asked["state"], "iss": self.issuer, **self.lies.get("answer", {})}
        return f"{asked['redirect_uri']}?{urlencode(given)}"

    def metadata(self) -> dict:
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.lies.get("issuer", self.issuer), **{k: self.issuer + v for k, v in paths.items()}}

    def trade(self, form: dict, authorization: str) -> tuple[int, dict]:
        """The token endpoint: client, code, address and PKCE's verifier have to fit."""
        asked = self.codes.pop(form.get("code"), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization not in (f"Basic {basic}", f"Basic {plain}"):
            return 401, {"error": "invalid_client"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": self.id_token(asked)}

    def id_token(self, asked: dict) -> str:
        moment = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": moment, "exp": moment + 300, "nonce": asked["nonce"]}
        claims |= self.person | self.lies.get("claims", {})
        if self.lies.get("shared_key"):  # signed with what is public, as if it were a shared key
            public = json.dumps(self.key.as_dict(private=False)).encode()
            return jwt.encode({"alg": "HS256", "kid": "k1"}, claims, OctKey.import_key(public))
        key = self.other_key if self.lies.get("key") else self.key
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, key)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages = {
                    "/.well-known/openid-configuration": double.metadata,
                    "/keys": lambda: {"keys": [double.key.as_dict(private=False)]},
                }
                self._send(200, pages[self.path]())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {key: values[0] for key, values in parse_qs(body).items()}
                self._send(*double.trade(form, self.headers.get("authorization", "")))

            def _send(self, status: int, content: dict) -> None:
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler
