"""The part of OpenStack Placement's API that traits need, as its API reference documents it."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


class FakePlacement:
    """Providers by name with their traits and generations; `race` are changes by others."""

    def __init__(self, *names: str) -> None:
        self.traits: dict[str, set[str]] = {name: set() for name in names}
        self.uuids = {f"00000000-0000-0000-0000-{n:012}": name for n, name in enumerate(names)}
        self.generations = dict.fromkeys(names, 0)
        self.known = {"HW_CPU_X86_VMX"}
        self.race = 0
        self.token = "secret"  # noqa: S105 - of a test
        self.calls: list[tuple[str, str]] = []
        self.url = ""

    def answer(self, method: str, path: str, body: Any, headers: Any) -> tuple[int, Any]:
        self.calls.append((method, path))
        if headers.get("X-Auth-Token") != self.token:
            return 401, {}
        assert headers.get("OpenStack-API-Version", "").startswith("placement 1.")
        parts = urlsplit(path)
        match parts.path.strip("/").split("/"):
            case ["traits", name] if method == "PUT":
                return self.create(unquote(name))
            case ["resource_providers"]:
                wanted = parse_qs(parts.query)["name"]
                found = [{"uuid": u, "name": n} for u, n in self.uuids.items() if n in wanted]
                return 200, {"resource_providers": found}
            case ["resource_providers", uuid, "traits"]:
                name = self.uuids[uuid]
                return self.get(name) if method == "GET" else self.put(name, body)
        return 404, {}

    def create(self, name: str) -> tuple[int, Any]:
        if not name.startswith("CUSTOM_") or len(name) > 255 or not set(name) <= ALPHABET:
            return 400, {}
        self.known.add(name)
        return 201, None

    def get(self, name: str) -> tuple[int, Any]:
        found = sorted(self.traits[name]), self.generations[name]
        if self.race:
            # others change the provider between a client's look and its change
            self.race -= 1
            self.traits[name].add("HW_CPU_X86_VMX")
            self.generations[name] += 1
        return 200, {"traits": found[0], "resource_provider_generation": found[1]}

    def put(self, name: str, body: Any) -> tuple[int, Any]:
        if body["resource_provider_generation"] != self.generations[name]:
            return 409, {}
        if not set(body["traits"]) <= self.known:
            return 400, {}
        self.traits[name] = set(body["traits"])
        self.generations[name] += 1
        return 200, {}

    @contextlib.contextmanager
    def running(self) -> Iterator[FakePlacement]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def reply(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size)) if size else None
                code, content = fake.answer(self.command, self.path, body, self.headers)
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = reply  # noqa: N815 - names of the base class

            def log_message(self, *_: object) -> None:
                """Be silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
