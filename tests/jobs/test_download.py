"""Downloads against real servers: what arrives is whole or not there, and a failure says which kind it is."""

import asyncio
import hashlib
import os
import ssl
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jobs import guard
from jobs.download import Downloaded, DownloadFailed, download
from tests.jobs.downloads import content, failure, put, raw_server, server


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "video.mp4.part"


@pytest.mark.parametrize("size", [1, 256 * 1024, 256 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_file_arrives_whole(part: Path, size: int, chunked: bool) -> None:
    body = os.urandom(size)

    async def serve(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "Video/MP4; charset=x"})
        if chunked:
            answer.enable_chunked_encoding()
        else:
            answer.content_length = size
        await answer.prepare(request)
        for start in range(0, size, 70_000):
            await answer.write(body[start : start + 70_000])
        return answer

    async with server(serve) as (session, url):
        arrived = await download(session, f"{url}/v.mp4", part)
    assert arrived == Downloaded(size, hashlib.sha256(body).hexdigest(), "video/mp4")
    assert content(part) == body


async def test_an_older_unfinished_file_is_replaced(part: Path) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"new")

    put(part, b"something longer")
    async with server(serve) as (session, url):
        await download(session, url, part)
    assert content(part) == b"new"


async def test_the_address_is_asked_for_letter_by_letter(part: Path) -> None:
    asked: list[str] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        asked.append(request.raw_path)
        return web.Response(body=b"x")

    path = "/a%2Fb/%7e.mp4?x=a+b%20c%2b&y=%e4;z=(1)"
    async with server(serve) as (session, url):
        await download(session, url + path, part)
    assert asked == [path]


@pytest.mark.parametrize("header", ["", "text/html<script>", "x" * 300, "video/mp4\xff"])
async def test_a_content_type_that_is_none_is_left_out(part: Path, header: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: {header}\r\nContent-Length: 1\r\n\r\nx".encode("latin-1")
    async with raw_server(answer) as (session, url):
        assert (await download(session, url, part)).content_type == ""


async def test_what_the_file_is_does_not_matter_here(part: Path) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    async with server(serve) as (session, url):
        assert (await download(session, url, part)).content_type == "text/html"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, "gone"),
        (410, "gone"),
        *[(status, "refused") for status in (400, 401, 403, 405, 416, 451, 201, 204, 206, 304)],
        *[(status, "temporary") for status in (408, 425, 429, 500, 502, 503, 504, 599)],
    ],
)
async def test_a_status_tells_the_kind_of_failure(part: Path, status: int, kind: str) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    async with server(serve) as (session, url):
        assert await failure(session, url, part) == kind


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_three_redirects_are_followed_and_a_fourth_is_not(part: Path, status: int) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        left = int(request.path.strip("/"))
        if left == 0:
            return web.Response(body=b"here")
        return web.Response(status=status, headers={"Location": f"{left - 1}"}, body=b"moved")

    async with server(serve) as (session, url):
        assert (await download(session, f"{url}/3", part)).size == 4
        with pytest.raises(DownloadFailed) as failed:
            await download(session, f"{url}/4", part)
    assert failed.value.kind == "refused"


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        (b"http://127.0.0.1:1/", "blocked"),
        (b"https://10.0.0.1/?Signature=a-secret", "blocked"),
        (b"//169.254.169.254/secret", "blocked"),
        (b"file:///etc/secret", "blocked"),
        (b"http://[secret/", "blocked"),
        (b"http://\xff\xfe/", "blocked"),
        (b"", "refused"),
    ],
)
async def test_a_redirect_astray_is_not_followed(part: Path, location: bytes, kind: str) -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    async with raw_server(answer) as (session, url):
        assert await failure(session, url, part) == kind


async def test_a_redirect_brings_no_user_name_along(part: Path) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"http://user:word@{request.host}/"})

    async with server(serve) as (session, url):
        assert await failure(session, url, part) == "blocked"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nshort\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
)
async def test_a_broken_answer_is_worth_another_try(part: Path, answer: bytes) -> None:
    async with raw_server(answer) as (session, url):
        assert await failure(session, url, part) == "temporary"


async def test_a_server_that_is_not_there_is_worth_another_try(part: Path) -> None:
    async with raw_server(b"") as (session, url):
        pass
    port = int(url.rpartition(":")[2])
    async with guard.session([("127.0.0.1", port)]) as session:
        assert await failure(session, url, part) == "temporary"


async def test_a_server_that_cannot_prove_its_name_is_asked_nothing(part: Path, tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self_signed(tmp_path)) as listener:
        port: int = listener.sockets[0].getsockname()[1]
        async with guard.session([("127.0.0.1", port)]) as session:
            assert await failure(session, f"https://127.0.0.1:{port}", part) == "temporary"
    assert asked == []


def self_signed(folder: Path) -> ssl.SSLContext:
    """Make a server's certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context
