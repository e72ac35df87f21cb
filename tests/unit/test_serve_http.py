"""The HTTP service: its answers are the command line's, and hostile clients get none."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.errors import RequestError
from domcaps.fleet.fleet import Fleet
from fleet_hosts import replace, shipped
from ssh_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("starlette", reason="starlette is not installed (extra 'http')")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra 'http')")

from domcaps.serve.http.access import Gate, read_tokens
from domcaps.serve.http.openapi import ENDPOINTS, document

TOKEN = "0123456789abcdef-token"  # noqa: S105 - of a test
DOMAIN = """<domain type='qemu'><name>a</name><memory>1048576</memory>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
<devices><video><model type='{}'/></video></devices></domain>"""


class Reply:
    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status, self.headers, self.data = status, headers, data

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Server:
    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder

    def ask(
        self, path: str, body: bytes | None = None, *, method: str = "", **headers: str
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method or ("POST" if body is not None else "GET"), path, body, named)
            reply = connection.getresponse()
            found = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, found, reply.read())
        finally:
            connection.close()


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Server]:
    port = free_port()
    words = ["serve", "--http", f"127.0.0.1:{port}", "--store", str(folder / "store"), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "domcaps", *words], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}/" in process.stderr.readline()
        yield Server(port, folder)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("http")
    made = Fleet.open(folder / "store")
    one = replace(shipped(), made_at="2026-11-01T00:00:00+00:00")
    for name in ("node-1", "node-2"):
        made.add(one, name)
    made.add(replace(one, host=replace(one.host, firmware=(), images=(), image_sizes={})), "bare")
    (folder / "web.xml").write_text(DOMAIN.format("vga"))
    with running(folder, str(folder / "web.xml")) as found:
        yield found


def told(*words: str) -> Any:
    done = CliRunner().invoke(command, [*words, "--format", "json"])
    return json.loads(done.stdout)


def test_every_answer_is_the_command_line_s(server: Server) -> None:
    store, name = str(server.folder / "store"), str(server.folder / "web.xml")
    data = (server.folder / "web.xml").read_bytes()
    query = "?" + urlencode({"name": name})
    for path, words in (
        ("/v1/classes", ["classes", store]),
        ("/v1/drift", ["drift", store]),
        ("/v1/features", ["export", store]),
        ("/v1/features?host=bare", ["export", store, "--host", "bare"]),
        ("/v1/hosts/node-1/history", ["history", store, "node-1"]),
        ("/v1/hosts/bare/history?choice=video.modelType%3Dqxl",
         ["history", store, "bare", "video.modelType=qxl"]),
    ):  # fmt: skip
        assert server.ask(path).json == told(*words), path
    for path, words in (
        (f"/v1/accepts{query}", ["accepts", store, name]),
        (f"/v1/accepts{query}&least=true", ["accepts", store, name, "--least"]),
        (f"/v1/accepts{query}&libvirt=9.0", ["accepts", store, name, "--libvirt", "9.0"]),
        (f"/v1/verdicts{query}", ["accepts", store, name, "--each"]),
        (f"/v1/where{query}&from=node-1", ["where", store, name, "--from", "node-1"]),
        (f"/v1/rehearse{query}&with=debian12-x86_64",
         ["rehearse", store, name, "--with", "shipped:debian12-x86_64"]),
    ):  # fmt: skip
        assert server.ask(path, data).json == told(*words), path
    assert [one["host"] for one in server.ask("/v1/hosts").json["results"]] == [
        "bare", "node-1", "node-2"
    ]  # fmt: skip


def test_page_metrics_and_health(server: Server) -> None:
    page = server.ask("/")
    assert page.headers["content-type"].startswith("text/html")
    assert b"web.xml" in page.data
    assert page.headers["x-content-type-options"] == "nosniff"
    assert server.ask("/health").json["status"] == "ok"
    text = server.ask("/metrics").data.decode()
    store = str(server.folder / "store")
    done = CliRunner().invoke(command, ["export", store, "--format", "prometheus"])
    without_age = [
        [line for line in one.splitlines() if "age_seconds{" not in line]
        for one in (text, done.stdout)
    ]
    assert without_age[0] == without_age[1]


def test_a_change_of_the_store_shows(server: Server) -> None:
    fleet = Fleet.open(server.folder / "store")
    assert len(server.ask("/v1/hosts").json["results"]) == 3
    fleet.add(shipped("debian12-x86_64"), "new")
    time.sleep(1.1)
    try:
        assert "new" in {one["host"] for one in server.ask("/v1/hosts").json["results"]}
    finally:
        for key in fleet.store.moments("new"):
            fleet.store.blobs.delete(key)
    time.sleep(1.1)
    assert len(server.ask("/v1/hosts").json["results"]) == 3


def test_the_openapi_document_is_valid_and_complete(server: Server) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator")
    found = server.ask("/openapi.json").json
    validator.validate(found)
    assert found == json.loads(json.dumps(document()))
    assert set(found["paths"]) == {
        *(one.path for one in ENDPOINTS), "/", "/health", "/metrics", "/openapi.json"
    }  # fmt: skip


def test_answers_have_the_form_that_the_document_says(server: Server) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    found = document()
    data = (server.folder / "web.xml").read_bytes()
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace("{host}", "node-1")
        more = {"where": "?from=node-1", "rehearse": "?then=12.8"}.get(endpoint.name, "")
        reply = server.ask(path + more, data if endpoint.has_domain else None)
        assert reply.status == 200, reply.data
        operation = found["paths"][endpoint.path]["post" if endpoint.has_domain else "get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(reply.json, {**schema, "components": found["components"]})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/accepts", b"", 200),
        ("/v1/accepts", b"\xff\x00<", 200),
        ("/v1/accepts", b"<domain>" * 5000, 200),
        ("/v1/accepts?libvirt=99.9", b"<domain/>", 400),
        ("/v1/accepts?libvirt=../../etc", b"<domain/>", 400),
        *(
            (f"/v1/{name}{release}", b"<domain/>", 400)
            for name in (
                "rehearse?then=",
                "rehearse?with=debian13-x86_64&libvirt=",
                "rehearse?with=debian13-x86_64&then=",
                "verdicts?libvirt=",
                "where?from=node-1&libvirt=",
            )
            for release in ("9.99", "99", "nope", "9", "-1", "9.0%0a", "%D9%A9.%D9%A0")
        ),
        ("/v1/accepts?name=" + "x" * 1001, b"<domain/>", 400),
        ("/v1/accepts?name=a&name=b", b"<domain/>", 400),
        ("/v1/accepts?unknown=1", b"<domain/>", 400),
        ("/v1/where", b"<domain/>", 400),
        ("/v1/where?from=absent", b"<domain/>", 422),
        ("/v1/rehearse", b"<domain/>", 400),
        ("/v1/rehearse?with=/etc/passwd", b"<domain/>", 400),
        ("/v1/hosts/..%2F..%2Fetc/history", None, 422),
        ("/v1/accepts?least=1", b"<domain/>", 400),
        ("/v1/accepts?least=", b"<domain/>", 400),
        ("/v1/accepts?least=TRUE", b"<domain/>", 400),
        ("/v1/features?host=", None, 400),
        ("/metrics?x=1", None, 400),
        ("/?x=1", None, 400),
        ("/v1/hosts/" + quote("a\nb\x00\u202e") + "/history", None, 422),
        ("/v1/hosts/absent/history", None, 422),
        ("/v1/features?host=absent", None, 422),
        ("/v1/hosts/node-1/history?choice=no.such=thing", None, 400),
        ("/v1/accepts", None, 405),
        ("/v1/hosts", b"x", 405),
        ("/no/such/path", None, 404),
        ("/../../etc/passwd", None, 404),
        ("/" + "a" * 15_000, None, 404),
    ],
)
def test_odd_requests_get_an_answer_in_json(
    server: Server, path: str, body: bytes | None, status: int
) -> None:
    reply = server.ask(path, body)
    assert reply.status == status, reply.data[:300]
    found = reply.json
    assert found["version"] == 1
    assert ("error" in found) == (status != 200)
    assert status == 200 or (found["error"]["message"] and found["error"]["remedy"])
    assert b"Traceback" not in reply.data


def test_nothing_is_written(server: Server) -> None:
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        assert server.ask("/v1/hosts", b"x", method=method).status == 405
    assert server.ask("/", b"x", method="POST").status == 405


def test_another_name_of_this_server_is_refused(server: Server) -> None:
    assert server.ask("/v1/hosts", Host="evil.example").status == 403
    assert server.ask("/v1/hosts", Host=f"localhost:{server.port}").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "a{b}.evil.com", "evil/localhost", "localhost@evil", "evil.com:", "evil.com:99999", "a[b",
        "[evil]", "a|b.com", "h\xf6st", " ", "", "localhost.", "localhost:", "localhost:0",
        "localhost:99999", "localhost:8x", "127.0.0.1:80:80", "[::1", "[::1]x", "::1", "[::1%lo]",
        "127.1", "2130706433", "localhost,evil.com", "xlocalhost", "[127.0.0.1]", "localhost:+80",
    ],
)  # fmt: skip
def test_what_is_not_exactly_a_known_name_is_refused(server: Server, host: str) -> None:
    reply = server.ask("/v1/hosts", Host=host)
    assert reply.status == 403, reply.data
    assert "name" in reply.json["error"]["message"]


def test_one_header_names_the_server(server: Server) -> None:
    for hosts in ("", "Host: localhost\r\nHost: evil.example\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
            one.sendall(f"GET /v1/hosts HTTP/1.0\r\n{hosts}\r\n".encode())
            assert one.recv(100)[:12] in {b"HTTP/1.1 403", b"HTTP/1.1 400"}
    for known in ("localhost", "LocalHost:80", "127.0.0.1", "[::1]", "[0:0::1]:8780"):
        assert server.ask("/v1/hosts", Host=known).status == 200, known


def test_pages_of_other_sites_get_no_answer(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https" + own[4:], ""):
        assert server.ask("/v1/accepts", b"<domain/>", Origin=origin).status == 403, origin
    for site in ("cross-site", "same-site", "other"):
        for path in ("/", "/metrics", "/v1/hosts"):
            assert server.ask(path, Sec_Fetch_Site=site).status == 403, site
    for site in ("none", "same-origin"):
        assert server.ask("/", Sec_Fetch_Site=site).status == 200, site
    assert server.ask("/v1/accepts", b"<domain/>", Origin=own).status == 200


def test_what_is_too_large_or_too_slow_is_refused(server: Server) -> None:
    assert server.ask("/v1/accepts", b"x" * ((8 << 20) + 1)).status == 413
    # a header without end, a body that does not come, and no request at all
    for start in (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, b"\0" * 100, b"GET / HTTP/9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
            one.sendall(start)
            assert one.recv(100).startswith(b"HTTP/1.1 400")
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as silent,
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as slow,
    ):
        slow.sendall(b"POST /v1/accepts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n<")
        started = time.monotonic()
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
        assert silent.recv(100) == b""
        assert time.monotonic() - started < 25
    assert server.ask("/health").status == 200


def test_many_silent_clients_do_not_keep_others_out(server: Server) -> None:
    held = []
    try:
        for _ in range(200):
            held.append(socket.create_connection(("127.0.0.1", server.port), timeout=30))  # noqa: PERF401
        assert server.ask("/v1/hosts").status == 200
    finally:
        for one in held:
            one.close()


def test_tokens(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"# of the monitor\n{TOKEN}\n\nanother-token-of-length\n")
    path.chmod(0o600)
    (tmp_path / "store").symlink_to(server.folder / "store")
    with running(tmp_path, "--token-file", str(path)) as guarded:
        bearer = f"Bearer {TOKEN}"
        assert guarded.ask("/v1/hosts", Authorization=bearer).status == 200
        assert guarded.ask("/", Authorization=bearer).status == 200
        assert guarded.ask("/health").status == 200
        assert guarded.ask("/openapi.json").status == 200
        basic = "Basic YTowMTIzNDU2Nzg5YWJjZGVmLXRva2Vu"
        assert guarded.ask("/v1/hosts", Authorization=basic).status == 200
        for wrong in (
            "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}",
            TOKEN, "Basic !!!", "Basic Og==", f"bearer  {TOKEN.upper()}",
        ):  # fmt: skip
            for where in ("/v1/hosts", "/", "/metrics"):
                reply = guarded.ask(where, Authorization=wrong)
                assert reply.status == 401, wrong
                assert reply.headers["www-authenticate"].startswith("Basic")
        assert guarded.ask("/v1/accepts", b"<domain/>").status == 401
        assert guarded.ask(f"/v1/hosts?token={TOKEN}").status == 401


def test_files_of_tokens_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    for text, mode in ((TOKEN, 0o644), (TOKEN, 0o640), ("short", 0o600), ("# none\n", 0o600)):
        path.write_text(text)
        path.chmod(mode)
        with pytest.raises(RequestError):
            read_tokens(path)
    with pytest.raises(RequestError):
        read_tokens(tmp_path / "none")
    path.chmod(0o600)
    for data in (f"\ufeff{TOKEN}".encode(), f"{TOKEN}é".encode(), f"{TOKEN}\xff".encode("latin-1")):
        path.write_bytes(data)
        with pytest.raises(RequestError, match="ASCII"):
            read_tokens(path)
    path.write_text(TOKEN)
    assert read_tokens(path) == (TOKEN,)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        with pytest.raises(RequestError, match="owns"):
            read_tokens(path)
    assert Gate().is_open
    assert not Gate((TOKEN,)).admits("Bearer é\ud800")


def test_a_network_needs_tokens_and_options_belong_together(tmp_path: Path) -> None:
    def refused(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "domcaps", "serve", *words],
            capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
        assert done.returncode == 2
        return done.stderr

    store = str(tmp_path)
    assert "--token-file" in refused("--http", "0.0.0.0:0", "--store", store)
    assert "--store" in refused("--http", "127.0.0.1:0")
    assert "--http" in refused("--store", store, "--listen", "127.0.0.1:0")
    assert "ADDRESS:PORT" in refused("--http", "8080", "--store", store)
    assert "--socket" in refused("--http", "127.0.0.1:0", "--store", store, "--socket", "/tmp/x")


def test_a_store_that_disappears_is_an_error_until_it_is_there_again(tmp_path: Path) -> None:
    Fleet.open(tmp_path / "store").add(shipped("debian12-x86_64"), "node")
    with running(tmp_path) as service:
        assert service.ask("/v1/hosts").status == 200
        (tmp_path / "store").rename(tmp_path / "away")
        time.sleep(1.1)
        for path in ("/v1/hosts", "/v1/classes", "/metrics", "/"):
            reply = service.ask(path)
            assert reply.status == 503, path
            assert "no store" in reply.json["error"]["message"]
            assert reply.json["error"]["remedy"]
        (tmp_path / "away").rename(tmp_path / "store")
        assert len(service.ask("/v1/hosts").json["results"]) == 1


def test_every_host_that_is_listed_has_a_history(tmp_path: Path) -> None:
    names = ("a/b", "<script>alert(1)</script>", "a b%2F?#", "..", "h/history", "é")
    fleet = Fleet.open(tmp_path / "store")
    for name in names:
        fleet.add(shipped(), name)
    with running(tmp_path) as service:
        listed = [one["host"] for one in service.ask("/v1/hosts").json["results"]]
        assert sorted(listed) == sorted(names)
        for name in listed:
            reply = service.ask(f"/v1/hosts/{quote(name, safe='')}/history")
            assert reply.status == 200, name
            assert service.ask(f"/v1/features?host={quote(name, safe='')}").status == 200
