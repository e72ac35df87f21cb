"""The paths of the service, and what every request must pass: limits, tokens, names of hosts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import msgspec
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from domcaps.serve.http.names import OwnNames
from domcaps.serve.http.openapi import ENDPOINTS, document
from domcaps.serve.http.questions import JSON, HttpAnswer, HttpQuestion, failed
from domcaps.serve.http.sending import AnswerRoom
from domcaps.serve.http.worker import AnsweringWorker, OverloadedError
from domcaps.serve.sockets import is_local_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from domcaps.serve.http.access import Gate
    from domcaps.serve.http.limits import HttpLimits
    from domcaps.serve.http.openapi import Endpoint

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
_LONGEST_PARAMETER = 1000
_RETRY_SECONDS = "5"


def make_app(
    worker: AnsweringWorker, gate: Gate, limits: HttpLimits, names: Collection[str] = ()
) -> Starlette:
    """Make the application. `names` are the names by which clients may call the server.

    Without tokens a page of another site, open in a browser of this machine, could ask by a name of
    its own that leads here: other names than these are refused then.
    """
    service = _Service(worker, gate, limits, OwnNames(names))
    routes = [
        Route("/health", service.health, methods=["GET"]),
        Route("/openapi.json", service.describe, methods=["GET"]),
        Route("/metrics", service.plain("metrics"), methods=["GET"]),
        Route("/", service.plain("page"), methods=["GET"]),
        *(
            Route(_route(one), service.asking(one), methods=["POST" if one.has_domain else "GET"])
            for one in ENDPOINTS
        ),
    ]
    app = Starlette(
        routes=routes, exception_handlers={HTTPException: _refused, Exception: _refused}
    )
    # a redirection would name the host that the client names, before that name is checked
    app.router.redirect_slashes = False
    return app


class _NameConvertor(Convertor[str]):
    """A name of a host may have slashes, which clients write as ``%2F``, and any other sign."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("host_name", _NameConvertor())


def _route(endpoint: Endpoint) -> str:
    return endpoint.path.replace("{host}", "{host:host_name}")


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None) or {}
    return _response(failed(status, getattr(error, "detail", "an error in the service")), **headers)


def _response(answer: HttpAnswer, **headers: str) -> Response:
    return Response(
        answer.data, answer.status, media_type=answer.kind, headers={**_HEADERS, **headers}
    )


class _Service:
    def __init__(
        self, worker: AnsweringWorker, gate: Gate, limits: HttpLimits, names: OwnNames
    ) -> None:
        self._worker, self._gate, self._limits, self._names = worker, gate, limits, names
        self._held = 0
        self._unsent = AnswerRoom(limits.answers)
        self._described = msgspec.json.encode(document())

    async def health(self, _: Request) -> Response:
        """Say that the event loop runs; the worker is started when it is needed."""
        return _response(HttpAnswer(200, JSON, b'{"version":1,"status":"ok"}'))

    async def describe(self, _: Request) -> Response:
        """Give the OpenAPI document."""
        return _response(HttpAnswer(200, JSON, self._described))

    def plain(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """Give the handler of what is no question: page and metrics."""

        async def handle(request: Request) -> Response:
            self._admit(request)
            if request.url.query:
                return _response(failed(400, _parameters(())))
            return await self._answer(request, HttpQuestion(name))

        return handle

    def asking(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """Give the handler of a question."""
        known = {name for name, _ in endpoint.parameters}

        async def handle(request: Request) -> Response:
            self._admit(request)
            given = dict(request.query_params)
            unknown = sorted(given.keys() - known)
            if unknown or len(given) != len(request.query_params.multi_items()):
                return _response(failed(400, _parameters(known)))
            if any(len(value) > _LONGEST_PARAMETER for value in given.values()):
                return _response(failed(400, "a parameter is too long"))
            given |= {name: str(value) for name, value in request.path_params.items()}
            with _Room(self) as room:
                domain = await self._body(request, room) if endpoint.has_domain else b""
                question = HttpQuestion(endpoint.name, tuple(sorted(given.items())), domain)
                return await self._answer(request, question)

        return handle

    def _admit(self, request: Request) -> None:
        if not self._gate.admits(request.headers.get("authorization", "")):
            raise HTTPException(
                401, "a token is needed", {"WWW-Authenticate": 'Basic realm="domcaps"'}
            )
        refusal = self._names.refusal(request.scope["headers"]) if self._gate.is_open else ""
        if refusal:
            raise HTTPException(403, refusal)

    def take(self, size: int) -> None:
        """Count bytes of domains that arrive or wait, or refuse them; negative ones are freed."""
        if size > 0 and self._held + size > self._limits.domains:
            raise HTTPException(503, "too many domains wait", {"Retry-After": _RETRY_SECONDS})
        self._held += size

    async def _body(self, request: Request, room: _Room) -> bytes:
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._limits.receive_seconds):
                async for part in request.stream():
                    size += len(part)
                    if size > self._limits.domain:
                        raise HTTPException(413, "the domain is too large")
                    room.take(len(part))
                    parts.append(part)
        except TimeoutError as error:
            raise HTTPException(408, "the domain arrives too slowly") from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the domain is incomplete") from error
        return b"".join(parts)

    async def _answer(self, request: Request, question: HttpQuestion) -> Response:
        """Answer a question; that of a client that has left leaves the queue."""
        asked = asyncio.ensure_future(self._worker.answer(question, _client(request)))
        left = asyncio.ensure_future(_departure(request))
        try:
            await asyncio.wait({asked, left}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                return _response(failed(503, "the client has left"))
            return self._leaving(asked.result())
        except OverloadedError:
            answer = failed(503, "too many questions wait")
            return _response(answer, **{"Retry-After": _RETRY_SECONDS})
        finally:
            asked.cancel()
            left.cancel()

    def _leaving(self, answer: HttpAnswer) -> Response:
        """Give the response of an answer, which is counted until it is sent."""
        if not self._unsent.take(len(answer.data)):
            busy = failed(503, "too many answers wait until their clients read them")
            return _response(busy, **{"Retry-After": _RETRY_SECONDS})
        return _Counted(answer, self._unsent)


class _Counted(Response):
    """A response that takes room until it is sent or its client has left."""

    def __init__(self, answer: HttpAnswer, room: AnswerRoom) -> None:
        super().__init__(answer.data, answer.status, media_type=answer.kind, headers=_HEADERS)
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._room.free(len(self.body))


class _Room:
    """What the domain of one request takes of the room for all; it is given back in any case."""

    def __init__(self, service: _Service) -> None:
        self._service, self._size = service, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._service.take(-self._size)

    def take(self, size: int) -> None:
        """Take some more; raises `HTTPException` where there is none left."""
        self._service.take(size)
        self._size += size


def _client(request: Request) -> str:
    """Name the client of a request, by its connection where it may be a proxy on this machine."""
    if request.client is None:
        return ""
    host, port = request.client
    return f"{host} {port}" if is_local_address(host) else host


def _parameters(known: Collection[str]) -> str:
    return f"the parameters are {', '.join(sorted(known))}" if known else "there are no parameters"


async def _departure(request: Request) -> None:
    """Wait until the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
