"""The guarded client goes nowhere but to public machines: judged as text, as a number, and by counting real dials."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from jobs import guard
from jobs.download import DownloadFailed, download
from jobs.guard import Blocked, acceptable, public
from tests.jobs.hostile import HOSTILE, UNPRINTABLE, Answers, listening, overheard, words


@pytest.fixture
def dials() -> Iterator[list[tuple[str, int]]]:
    """Every address this process dials."""
    with overheard() as heard:
        yield heard


@pytest.mark.parametrize("template", HOSTILE + UNPRINTABLE)
async def test_a_hostile_address_is_blocked_without_a_dial(template: str, dials: list[tuple[str, int]]) -> None:
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, came):
        url = template.replace("{port}", str(port))
        async with guard.session(resolver=Answers("127.0.0.1", "::1")) as session:
            with pytest.raises(Blocked):
                await session.get(guard.parse(url))
    assert came == []
    assert dials == []


UNREMARKABLE = {url for url in HOSTILE if "rebound" in url.lower() or "#@" in url}  # only their numbers are hostile


@pytest.mark.parametrize("template", [url for url in HOSTILE if url not in UNREMARKABLE] + UNPRINTABLE)
def test_the_text_alone_gives_a_hostile_address_away(template: str) -> None:
    with pytest.raises(Blocked):
        acceptable(template.replace("{port}", "41234"))


@pytest.mark.parametrize("template", HOSTILE)
async def test_a_redirect_to_a_hostile_address_is_blocked_without_a_dial(
    template: str, dials: list[tuple[str, int]], tmp_path: Path
) -> None:
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, came):
        location = template.replace("{port}", str(port)).encode()
        answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
        async with (
            listening(answer) as (start, _),
            guard.session([("127.0.0.1", start)], resolver=Answers("127.0.0.1", "::1")) as session,
        ):
            with pytest.raises(DownloadFailed) as failed:
                await download(session, f"http://127.0.0.1:{start}/", tmp_path / "a.part")
    assert failed.value.kind == "blocked"
    assert came == []
    assert dials == [("127.0.0.1", start)]
    assert not (tmp_path / "a.part").exists()


def test_the_list_of_hostile_addresses_is_long_enough() -> None:
    assert len(set(HOSTILE)) >= 60


async def test_the_client_s_own_redirects_are_judged_too(dials: list[tuple[str, int]]) -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://[::1]:1/\r\n\r\n"
    async with listening(answer) as (start, _), guard.session([("127.0.0.1", start)]) as session:
        with pytest.raises(Blocked):
            await session.get(f"http://127.0.0.1:{start}/", allow_redirects=True)
    assert dials == [("127.0.0.1", start)]


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["::1"], ["10.0.0.7", "fdaa::3", "169.254.169.254"]])
async def test_a_name_that_resolves_to_private_numbers_is_blocked(
    answers: list[str], dials: list[tuple[str, int]]
) -> None:
    async with guard.session(resolver=Answers(*answers)) as session:
        with pytest.raises(Blocked):
            await session.get("https://cdn.example.com/video.mp4")
    assert dials == []


async def test_a_name_that_answers_public_to_the_judge_and_private_to_the_dialler_is_blocked(
    dials: list[tuple[str, int]],
) -> None:
    class Rebinding(Answers):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            answers, self._addresses = await super().resolve(host, port, family), ("127.0.0.1",)
            return answers

    async with guard.session(resolver=Rebinding("127.0.0.53")) as session:
        for _ in range(3):
            with pytest.raises(Blocked):
                await session.get("https://cdn.example.com/")
    assert dials == []


async def test_an_allowed_pair_is_reached_by_number_and_by_name() -> None:
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, came):
        async with guard.session([("127.0.0.1", port)]) as session, session.get(f"http://127.0.0.1:{port}/") as answer:
            assert await answer.read() == b"hi"
        async with (
            guard.session([("Stand-In", port)], resolver=Answers("::1")) as session,
            session.get(f"http://stand-in:{port}/") as answer,
        ):
            assert await answer.read() == b"hi"
    assert came == ["127.0.0.1", "::1"]


async def test_an_allowed_pair_opens_no_other_port_and_no_other_name(dials: list[tuple[str, int]]) -> None:
    async with guard.session([("127.0.0.1", 4000), ("stand-in", 443)], resolver=Answers("127.0.0.1")) as session:
        for url in (
            "http://127.0.0.1:4001/",
            "http://localhost:4000/",
            "http://[::1]:4000/",
            "https://cdn.example.com/",
        ):
            with pytest.raises(Blocked):
                await session.get(url)
    assert dials == []


async def test_a_user_name_is_refused_even_for_an_allowed_pair() -> None:
    with pytest.raises(Blocked):
        acceptable("http://user:word@127.0.0.1:4000/", [("127.0.0.1", 4000)])
    with pytest.raises(Blocked):
        guard.parse("http://user@127.0.0.1:4000/")


async def test_the_client_asks_plainly_and_remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port: int = server.sockets[0].getsockname()[1]
        async with guard.session([("127.0.0.1", port)]) as session:
            for _ in range(2):
                async with session.get(f"http://127.0.0.1:{port}/") as answer:
                    await answer.read()
    assert len(asked) == 2
    for head in asked:
        assert b"Accept-Encoding: identity\r\n" in head
        assert b"Cookie" not in head
        assert head.startswith(b"GET / HTTP/1.1\r\n")


PRIVATE = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.255
168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.192 192.0.2.1
192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:7f00:1::
2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:a9fe:a9fe:: 2002:808:808:: 2620:4f:8000::1 3ffe::1 3fff::1
3fff:fff:ffff::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fdaa::3 fdff:ffff::1 fe80::1 fe80::1%eth0 febf::1 fec0::1 feff::1
ff00::1 ff02::1 ff05::2 4000::1 1fff::1 2606:4700::1111%lo
127.1 2130706433 0x7f.0.0.1 0177.0.0.1 127.0.0.1. localhost example.com 1.2.3 1.2.3.4.5 1.2.3.4/32 [::1]
""")

OPEN = words("""
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 168.63.129.17
169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
::ffff:8.8.8.8 64:ff9b::8.8.8.8 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a00:1450::1 2c0f::1
""")


@pytest.mark.parametrize("address", ["", " ", *PRIVATE])
def test_a_number_outside_the_open_internet_is_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", OPEN)
def test_a_number_of_the_open_internet_is_public(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize("address", [address for address in PRIVATE if address[0].isdigit() or ":" in address])
def test_the_dialler_makes_no_socket_for_it(address: str) -> None:
    names = guard.Dialler(Answers(), frozenset())
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(Blocked):
        names.dial((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443)))


def test_the_dialler_makes_a_socket_for_a_public_number_on_the_https_port_alone() -> None:
    names = guard.Dialler(Answers(), frozenset())
    names.dial((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("8.8.8.8", 443))).close()
    with pytest.raises(Blocked):
        names.dial((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("8.8.8.8", 22)))
    with pytest.raises(Blocked):
        names.dial((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("/run/some.sock", 443)))


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example.com/a%2Fb/%7e.mp4?X-Amz-Signature=00ff&x=a+b%20c%2b&k=%e4;v=(1)",
        "https://bucket-1.oss-cn.example-cdn.com/v.mp4?Expires=1&OSSAccessKeyId=x&Signature=a%2Bb%3D",
        "https://_x.example.co.uk:443/",
    ],
)
def test_a_signed_link_is_kept_letter_by_letter(url: str) -> None:
    assert str(acceptable(url)) == url.replace(":443", "")


def test_an_address_in_letters_of_the_world_is_accepted_in_its_wire_form() -> None:
    accepted = acceptable("https://bücher.example.com/straße.png")
    assert accepted == URL("https://xn--bcher-kva.example.com/stra%C3%9Fe.png")


def test_a_refusal_names_the_host_at_most() -> None:
    for url in (
        "https://a.internal/secret?key=secret",
        "http://video.example.com/secret?key=secret",
        "https://video.example.com:8443/secret",
    ):
        with pytest.raises(Blocked) as blocked:
            acceptable(url)
        assert "secret" not in str(blocked.value)


@given(
    st.text()
    | st.text().map(lambda text: "https://" + text)
    | st.sampled_from(HOSTILE).flatmap(lambda url: st.text(max_size=3).map(lambda more: url + more))
)
def test_any_text_at_all_is_blocked_or_a_public_name(text: str) -> None:
    try:
        url = acceptable(text)
    except Blocked:
        return
    assert url.scheme == "https"
    assert url.port == 443
    assert url.raw_host is not None
    assert "." in url.raw_host
    assert not url.raw_host.rpartition(".")[2].isdigit()


@given(st.ip_addresses().map(str))
def test_what_the_standard_library_calls_private_is_never_public_here(address: str) -> None:
    import ipaddress  # noqa: PLC0415 -- the other opinion, wanted here alone

    number = ipaddress.ip_address(address)
    unwrapped = getattr(number, "ipv4_mapped", None) or number
    if unwrapped.is_private or unwrapped.is_multicast or unwrapped.is_reserved or unwrapped.is_loopback:
        assert not public(address) or address.startswith("64:ff9b::")


async def test_blocked_is_what_callers_of_the_client_already_catch() -> None:
    async with guard.session() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get("https://localhost/")
