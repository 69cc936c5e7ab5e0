"""Links to files: good while they last, useless to anybody who changes a letter, harmless in a browser."""

from pathlib import Path

import aiohttp
import pytest

from jobs import files
from tests.webhooks.harness import NOW, PUBLIC_URL, Receiver, hang_up, opened, read_answer

FILM = bytes(range(256)) * 40
UNTIL = int(NOW * 1000) + 90_000


def stored(receiver: Receiver, name: str = "0123456789abc-1.mp4", kind: str = files.OUTPUTS) -> str:
    """Put a film into the store and return the path of its link."""
    files.save(receiver.ctx.media_dir, kind, name, FILM)
    return receiver.ctx.addresses.link(kind, name, UNTIL).removeprefix(PUBLIC_URL)


async def test_a_good_link_gives_the_file_with_careful_headers(receiver: Receiver) -> None:
    answer = await receiver.get(stored(receiver))
    assert (answer.status, answer.body) == (200, FILM)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == 'inline; filename="0123456789abc-1.mp4"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "private, max-age=90"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert answer.headers["server"] == "rushes"
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("name", "mime"), [("a-1.png", "image/png"), ("a-1.jpg", "image/jpeg"), ("a-1.webp", "image/webp")]
)
async def test_the_type_follows_the_name_we_gave(receiver: Receiver, name: str, mime: str) -> None:
    assert (await receiver.get(stored(receiver, name, files.INPUTS))).headers["content-type"] == mime


async def test_head_tells_the_size_and_sends_nothing(receiver: Receiver) -> None:
    reader, writer = await receiver.connect()
    writer.write(receiver.head("HEAD", stored(receiver), {}) + receiver.head("GET", "/healthz", {}))
    answer = await read_answer(reader, bodiless=True)
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(FILM)))
    assert (await read_answer(reader)).body == b"ok\n"
    await hang_up(writer)


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-99", FILM[:100]), ("bytes=100-", FILM[100:]), ("bytes=-7", FILM[-7:]), ("bytes=5-5", FILM[5:6])],
)
async def test_a_player_may_ask_for_a_part(receiver: Receiver, asked: str, part: bytes) -> None:
    answer = await receiver.get(stored(receiver), Range=asked)
    assert (answer.status, answer.body) == (206, part)
    assert answer.headers["content-range"].endswith(f"/{len(FILM)}")


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=9-1", "bytes=x", "bytes=" + "9" * 5000 + "-", "lines=1-2"])
async def test_a_part_that_does_not_exist_is_416(receiver: Receiver, asked: str) -> None:
    answer = await receiver.get(stored(receiver), Range=asked)
    assert answer.status == 416
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_a_browser_has_already_is_304(receiver: Receiver) -> None:
    path = stored(receiver)
    etag = (await receiver.get(path)).headers["etag"]
    assert (await receiver.get(path, If_None_Match=etag)).status == 304


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since", "If-Range", "If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    "value",
    [
        "Thu, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Thu, 01 Jan 0001 00:00:00 GMT",
        "Thu, 99 Jan 2026 99:99:99 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999",
        '"' * 5000,
        "*",
        "W/",
        "\u00ff",
    ],
)
async def test_odd_conditions_never_break_a_download(receiver: Receiver, name: str, value: str) -> None:
    answer = await receiver.get(stored(receiver), **{name: value}, Range="bytes=0-1")
    assert answer.status in {200, 206, 304, 400, 412}


def _bent(path: str) -> dict[str, str]:
    kind, ticket, name = path.split("/")[2:]
    until, _, mac = ticket.partition(".")
    return {
        "later": f"/media/{kind}/{int(until) + 1}.{mac}/{name}",
        "another spelling of the time": f"/media/{kind}/0{until}.{mac}/{name}",
        "another file": f"/media/{kind}/{ticket}/{name.replace('-1', '-2')}",
        "another kind": f"/media/inputs/{ticket}/{name}",
        "mac altered": f"/media/{kind}/{until}.{'A' * 22}/{name}",
        "mac cut": f"/media/{kind}/{ticket[:-1]}/{name}",
        "no mac": f"/media/{kind}/{until}/{name}",
        "query": path + "?a=1",
        "slash after": path + "/",
        "encoded": path.replace("-1", "%2d1"),
        "dots": f"/media/{kind}/{ticket}/../{name}",
        "up and away": f"/media/{kind}/{ticket}/../../../../etc/passwd",
        "encoded dots": f"/media/{kind}/{ticket}/%2e%2e%2f{name}",
        "folder": f"/media/{kind}/{ticket}/",
        "store": "/media/",
        "absolute form": "http://rushes.example" + path,
    }


@pytest.mark.parametrize("how", sorted(_bent("/media/outputs/1.x/a-1.mp4")))
async def test_a_link_altered_in_any_way_is_404(receiver: Receiver, how: str) -> None:
    path = stored(receiver)
    files.save(receiver.ctx.media_dir, files.INPUTS, path.rpartition("/")[2], FILM)
    answer = await receiver.get(_bent(path)[how])
    assert (answer.status, answer.body) == (404, b"refused\n")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("outputs", "missing-1.mp4"),
        ("outputs", "no-type-of-ours.html"),
        ("outputs", "no-type"),
        ("secrets", "a-1.mp4"),
        ("outputs", "..-1.mp4"),
        ("outputs", "folder-1.mp4"),
        ("outputs", "link-1.mp4"),
    ],
)
async def test_a_true_link_to_what_is_no_file_of_ours_is_404(receiver: Receiver, kind: str, name: str) -> None:
    outputs = receiver.ctx.media_dir / "outputs"
    (outputs / "folder-1.mp4").mkdir(parents=True)
    (outputs / "no-type-of-ours.html").write_text("<script>")
    (receiver.ctx.media_dir / "secret.mp4").write_bytes(FILM)
    (outputs / "link-1.mp4").symlink_to(receiver.ctx.media_dir / "secret.mp4")
    answer = await receiver.get(receiver.ctx.addresses.link(kind, name, UNTIL).removeprefix(PUBLIC_URL))
    assert (answer.status, answer.body) == (404, b"refused\n")


async def test_a_link_ends_with_its_time(tmp_path: Path) -> None:
    now = NOW
    async with opened(tmp_path, clock=lambda: now) as receiver:
        path = stored(receiver)
        assert (await receiver.get(path)).status == 200
        now = UNTIL / 1000
        answer = await receiver.get(path)
        assert (answer.status, answer.body) == (404, b"refused\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_files_are_only_read(receiver: Receiver, method: str) -> None:
    answer = await receiver.get(stored(receiver), method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_an_ordinary_client_downloads_a_film(receiver: Receiver) -> None:
    async with aiohttp.ClientSession() as client, client.get(receiver.server.url + stored(receiver)) as answer:
        assert (answer.status, await answer.read()) == (200, FILM)


async def test_an_empty_file_is_an_empty_answer(receiver: Receiver) -> None:
    path = stored(receiver)
    (receiver.ctx.media_dir / "outputs" / path.rpartition("/")[2]).write_bytes(b"")
    answer = await receiver.get(path)
    assert (answer.status, answer.body) == (200, b"")
