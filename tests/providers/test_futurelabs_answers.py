"""What Futurelabs' Vidu part costs, how a task is stopped, and how answers, refusals and callbacks are read."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import aiohttp
import pytest

from providers.contract import (
    Callback,
    ErrorKind,
    NotAuthentic,
    Progress,
    ProviderError,
    Reason,
    Trust,
)
from providers.futurelabs import Futurelabs
from providers.orders import Operation
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, KEY, order, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
REFERENCE, TEMPLATE = Operation.REFERENCE_TO_VIDEO, Operation.TEMPLATE_TO_VIDEO


@pytest.fixture
async def futurelabs(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    vendor.answers = [reply(200, sample("futurelabs/submit_text2video.json"))]
    return Futurelabs(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def test_off_peak_costs_about_half(futurelabs: Futurelabs) -> None:
    for operation in (TEXT, IMAGE, FRAMES, REFERENCE):
        chosen = futurelabs.fill(order(operation, duration=5, extras={"off_peak": True}))
        assert (futurelabs.problems(chosen), futurelabs.price(chosen)) == ([], 10)


def test_templates_cost_what_nobody_tells(futurelabs: Futurelabs) -> None:
    assert futurelabs.price(futurelabs.fill(order(TEMPLATE, duration=5))) is None


async def test_the_answer_is_trusted_where_an_example_costs_twice_the_price_list(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    chosen = futurelabs.fill(order(model="viduq3-pro", resolution="720p", duration=5))
    accepted = await futurelabs.submit(submission(chosen))
    assert (futurelabs.price(chosen), accepted.credits) == (40, 80)


async def test_there_is_no_list_of_tasks_to_find_one_in(futurelabs: Futurelabs, vendor: Vendor) -> None:
    assert not futurelabs.can_find
    with pytest.raises(ProviderError) as caught:
        await futurelabs.find(task(""), 0.0)
    assert caught.value.kind is ErrorKind.NOT_SENT
    assert vendor.connections == 0


async def test_the_alternate_address_is_asked_when_the_primary_cannot_be_reached(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    vendor.answers = [reply(200, sample("futurelabs/mv_success.json"))]
    account = replace(ACCOUNT, base_urls=("http://127.0.0.1:1", vendor.url))
    futurelabs = Futurelabs(account, session, lambda: 0.0)
    status = await futurelabs.query(task("930000000000000001", Operation.MUSIC_VIDEO))
    assert status.progress is Progress.SUCCEEDED


# The price list, row by row.
PRICES = [
    ("viduq3-pro", "540p", 5, 20),
    ("viduq3-pro", "720p", 5, 40),
    ("viduq3-pro", "1080p", 5, 80),
    ("viduq3-pro", "720p", 8, 64),
    ("viduq3-pro", "1080p", 8, 128),
    ("viduq3-pro", "720p", 16, 128),
    ("viduq3-pro", "1080p", 16, 256),
    ("viduq3-turbo", "720p", 5, 20),
    ("viduq3-turbo", "1080p", 5, 40),
    ("viduq3-turbo", "720p", 8, 32),
    ("viduq3-turbo", "1080p", 8, 64),
    ("viduq2", "540p", 5, 10),
    ("viduq2", "720p", 5, 20),
    ("viduq2", "1080p", 5, 40),
    ("viduq2", "720p", 8, 32),
    ("viduq2", "1080p", 8, 64),
    ("viduq2", "720p", 10, 40),
    ("viduq2", "1080p", 10, 80),
    ("viduq1", "1080p", 5, 40),
]


@pytest.mark.parametrize(("model", "resolution", "duration", "credits"), PRICES)
def test_every_row_of_the_price_list_holds(
    futurelabs: Futurelabs, model: str, resolution: str, duration: int, credits: int
) -> None:
    for operation in (TEXT, IMAGE, FRAMES, REFERENCE):
        chosen = futurelabs.fill(order(operation, model=model, resolution=resolution, duration=duration))
        listed = model.startswith("viduq3") or operation in (TEXT, IMAGE)
        assert futurelabs.price(chosen) == (credits if listed else None)


@pytest.mark.parametrize(
    ("model", "resolution", "duration", "credits"),
    [
        ("viduq3-pro", "720p", 1, 8),
        ("viduq3-pro", "540p", 16, 64),
        ("viduq2", "1080p", 7, 56),
        ("viduq3-turbo", "540p", 5, None),
        ("viduq1", "720p", 5, None),
        ("viduq1", "1080p", 6, None),
        ("viduq2", "720p", 11, None),
        ("viduq9", "720p", 5, None),
    ],
)
def test_between_the_rows_the_seconds_count_and_what_is_not_listed_has_no_price(
    futurelabs: Futurelabs, model: str, resolution: str, duration: int, credits: int | None
) -> None:
    assert futurelabs.price(futurelabs.fill(order(model=model, resolution=resolution, duration=duration))) == credits


async def test_a_task_is_asked_for_by_its_id(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("futurelabs/query_success.json"))]
    status = await futurelabs.query(task("916198978159124480"))
    assert vendor.last.target == "/ai/avu/tasks/916198978159124480/creations"
    assert status.outputs[0].url == "https://cdn.imagine-future.com/video/result.mp4"
    assert (status.credits, status.prompt, status.echo) == (80, "a lighthouse in fog", None)


async def test_cancelling_sends_no_body_and_takes_any_answer(futurelabs: Futurelabs, vendor: Vendor) -> None:
    for body in (b"", b"{}", b"null", b"ok"):
        vendor.answers = [reply(200, body)]
        await futurelabs.cancel(task("a/b"))
    assert (vendor.last.method, vendor.last.target) == ("POST", "/ai/avu/tasks/a%2Fb/cancel")
    assert vendor.last.body == b""


async def test_a_404_in_json_is_enough_to_say_no_such_task(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(404, {"message": "?"})]
    with pytest.raises(ProviderError) as caught:
        await futurelabs.query(task())
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.NOT_FOUND)


def test_a_callback_is_a_doorbell_named_by_its_body_and_address(futurelabs: Futurelabs) -> None:
    one = Callback("/callbacks/futurelabs/t1", [], b"{}")
    verified = futurelabs.verify(one, 0.0)
    assert verified.trust is Trust.DOORBELL
    assert futurelabs.verify(one, 1e9) == verified
    assert futurelabs.verify(replace(one, path="/callbacks/futurelabs/t2"), 0.0) != verified


async def test_vidus_signature_can_be_demanded(session: aiohttp.ClientSession) -> None:
    futurelabs = Futurelabs(replace(ACCOUNT, callback_signature="vidu"), session, lambda: 0.0)
    with pytest.raises(NotAuthentic):
        futurelabs.verify(Callback("/cb", [], b"{}"), 0.0)
    date = b"Tue, 06 May 2025 12:09:42 GMT"
    text = b"POST\n/cb\n\nvidu\n" + date + b"\nDate:" + date + b"\nx-request-nonce:n1\n"
    headers = [
        (b"Date", date),
        (b"x-request-nonce", b"n1"),
        (b"X-HMAC-SIGNED-HEADERS", b"Date;x-request-nonce"),
        (b"X-HMAC-SIGNATURE", base64.b64encode(hmac.new(KEY.encode(), text, hashlib.sha256).digest())),
        (b"X-HMAC-ALGORITHM", b"hmac-sha256"),
        (b"X-HMAC-ACCESS-KEY", b"vidu"),
    ]
    verified = futurelabs.verify(Callback("/cb", headers, b"{}"), 1746533382.0)
    assert (verified.trust, verified.delivery_id) == (Trust.DOORBELL, "n1")


def test_a_callback_reads_like_an_answer(futurelabs: Futurelabs) -> None:
    assert futurelabs.read_callback(raw("futurelabs/query_success.json")).progress is Progress.SUCCEEDED
    early = futurelabs.read_callback(json.dumps({"id": "7", "status": "processing"}).encode())
    assert (early.task_id, early.progress) == ("7", Progress.RUNNING)
