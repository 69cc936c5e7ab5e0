"""How Kling is asked, under which key, and how its answers, refusals and callbacks are taken."""

import base64
import hmac
import json
from dataclasses import replace

import aiohttp
import jwt
import pytest

from providers.contract import (
    Account,
    Callback,
    ErrorKind,
    NotAuthentic,
    NotUnderstood,
    Progress,
    ProviderError,
    Reason,
    Trust,
)
from providers.kling import Kling
from providers.orders import Operation
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, KEY, SECRET_KEY, order, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
WEBHOOK_SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
NOW = 1_781_080_794.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def kling(vendor: Vendor, session: aiohttp.ClientSession) -> Kling:
    vendor.answers = [reply(200, sample("kling/submit.json"))]
    return Kling(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: NOW)


async def test_a_list_where_one_task_was_asked_for_leaves_it_open(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/list.json"))]
    with pytest.raises(ProviderError) as caught:
        await kling.query(task())
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_the_path_of_a_query_follows_the_operation(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    for operation, path in ((TEXT, "text2video"), (IMAGE, "image2video"), (FRAMES, "image2video")):
        status = await kling.query(task("881", operation))
        assert vendor.last.target == f"/v1/videos/{path}/881"
        assert (status.progress, status.echo, status.credits) == (Progress.RUNNING, "job-1", None)


async def test_a_finished_task_tells_its_credits(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_succeed.json"))]
    status = await kling.query(task())
    assert (status.credits, status.echo) == (98, "job-1")
    assert [output.url for output in status.outputs] == ["https://p1.a.kwimgs.com/output.mp4"]


async def test_a_failed_task_tells_why(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_failed.json"))]
    status = await kling.query(task())
    assert (status.progress, status.reason) == (Progress.FAILED, Reason.CONTENT)
    assert status.detail == "Failure to pass the risk control system"


def test_every_kind_of_callback_body_is_read(kling: Kling) -> None:
    flat = kling.read_callback(raw("kling/callback_flat.json"))
    assert (flat.task_id, flat.progress, flat.credits, flat.echo) == (
        "881704293106061404",
        Progress.SUCCEEDED,
        56,
        "job-1",
    )
    enveloped = kling.read_callback(raw("kling/query_succeed.json"))
    assert (enveloped.task_id, enveloped.progress) == ("881704293106061404", Progress.SUCCEEDED)
    new = kling.read_callback(raw("kling/callback_new.json"))
    assert (new.task_id, new.progress, new.credits, new.echo) == ("1234567890", Progress.SUCCEEDED, 42, "job-1")
    failed = kling.read_callback(raw("kling/callback_failed.json"))
    assert (failed.progress, failed.reason, failed.credits) == (Progress.FAILED, Reason.VENDOR, 0)
    test = kling.read_callback(raw("kling/callback_test.json"))
    assert (test.task_id, test.progress, test.outputs) == ("1234567890", Progress.WAITING, ())
    with pytest.raises(NotUnderstood):
        kling.read_callback(b'{"data": [{"task_id": "1", "task_status": "succeed"}]}')


@pytest.mark.parametrize(
    ("http", "code", "kind", "reason"),
    [
        (401, 1000, ErrorKind.REJECTED, Reason.ACCESS),
        (401, 1004, ErrorKind.REJECTED, Reason.ACCESS),
        (429, 1100, ErrorKind.REJECTED, Reason.ACCESS),
        (429, 1101, ErrorKind.REJECTED, Reason.CREDIT),
        (429, 1102, ErrorKind.REJECTED, Reason.CREDIT),
        (403, 1103, ErrorKind.REJECTED, Reason.ACCESS),
        (400, 1200, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (400, 1201, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (404, 1202, ErrorKind.REJECTED, Reason.ACCESS),
        (404, 1203, ErrorKind.REJECTED, Reason.NOT_FOUND),
        (400, 1300, ErrorKind.REJECTED, Reason.CONTENT),
        (400, 1301, ErrorKind.REJECTED, Reason.CONTENT),
        (429, 1302, ErrorKind.THROTTLED, Reason.BUSY),
        (429, 1303, ErrorKind.THROTTLED, Reason.BUSY),
        (429, 1304, ErrorKind.REJECTED, Reason.ACCESS),
        (429, 9999, ErrorKind.THROTTLED, Reason.BUSY),
        (400, 9999, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (500, 5000, ErrorKind.UNKNOWN, Reason.VENDOR),
        (503, 5001, ErrorKind.UNKNOWN, Reason.VENDOR),
        (504, 5002, ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, 1303, ErrorKind.UNKNOWN, Reason.VENDOR),
    ],
)
async def test_a_refusal_is_read_by_its_code(
    kling: Kling, vendor: Vendor, http: int, code: int, kind: ErrorKind, reason: Reason
) -> None:
    vendor.answers = [reply(http, {"code": code, "message": "m", "request_id": "r"})]
    with pytest.raises(ProviderError) as caught:
        await kling.query(task())
    assert (caught.value.kind, caught.value.reason) == (kind, reason)
    assert caught.value.detail == f"HTTP {http} {code} m r"


async def test_a_refusal_in_a_200_is_one_too(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [
        reply(200, {"code": 1102, "message": "used up"}),
        reply(200, {"code": 77, "message": "?"}),
        reply(200, {"code": 0, "data": None}),
        reply(200, {"data": {"task_id": "1", "task_status": "submitted"}}),
    ]
    kinds: list[tuple[ErrorKind, Reason]] = []
    for _ in range(4):
        with pytest.raises(ProviderError) as caught:
            await kling.submit(submission(kling.fill(order())))
        kinds.append((caught.value.kind, caught.value.reason))
    assert kinds == [(ErrorKind.REJECTED, Reason.CREDIT)] + [(ErrorKind.UNKNOWN, Reason.VENDOR)] * 3


async def test_too_much_at_once_is_throttled(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(429, sample("kling/refused_concurrency.json"))]
    with pytest.raises(ProviderError) as caught:
        await kling.submit(submission(kling.fill(order())))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.THROTTLED, Reason.BUSY)


async def test_an_unknown_resource_on_a_submission_is_the_model(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(404, sample("kling/not_found.json"))]
    with pytest.raises(ProviderError) as caught:
        await kling.submit(submission(kling.fill(order())))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.BAD_ORDER)


async def test_a_task_is_found_under_our_reference_or_surely_absent(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    status = await kling.find(task("", IMAGE), 0.0)
    assert status is not None
    assert status.task_id == "881704293106061404"
    assert vendor.last.target == "/v1/videos/image2video/job-1"
    vendor.answers = [reply(404, sample("kling/not_found.json"))]
    assert await kling.find(task("", IMAGE), 0.0) is None


async def test_an_answer_about_another_task_leaves_it_open(kling: Kling, vendor: Vendor) -> None:
    other = sample("kling/query_processing.json")
    other["data"]["task_info"]["external_task_id"] = "job-2"
    vendor.answers = [reply(200, other)]
    with pytest.raises(ProviderError) as caught:
        await kling.find(task("", IMAGE), 0.0)
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_a_token_is_signed_with_the_secret_key_and_kept_until_shortly_before_its_end(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    clock = Clock()
    account = Account(access_key="access-1", secret_key=SECRET_KEY, base_urls=(vendor.url,))
    kling = Kling(account, session, clock)

    async def token() -> str:
        await kling.query(task())
        scheme, _, value = vendor.last.headers["authorization"].partition(" ")
        assert scheme == "Bearer"
        return value

    first = await token()
    assert jwt.get_unverified_header(first) == {"alg": "HS256", "typ": "JWT"}
    claims = jwt.decode(first, SECRET_KEY, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False})
    assert claims == {"iss": "access-1", "exp": NOW + 1800, "nbf": NOW - 5}
    clock.now = NOW + 1499
    assert await token() == first
    clock.now = NOW + 1500
    second = await token()
    assert second != first
    clock.now = NOW - 3600  # a clock set back: the vendor would call the old token not valid yet
    assert await token() not in (first, second)


@pytest.mark.parametrize("http", [401, 200])
@pytest.mark.parametrize("code", [1003, 1004])
async def test_a_token_out_of_time_is_made_anew_and_a_question_asked_once_more(
    vendor: Vendor, session: aiohttp.ClientSession, code: int, http: int
) -> None:
    clock = Clock()
    account = Account(access_key="access-1", secret_key=SECRET_KEY, base_urls=(vendor.url,))
    kling = Kling(account, session, clock)
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    await kling.query(task())
    clock.now += 60
    refusal = reply(http, {"code": code, "message": "token"})
    vendor.answers = [refusal, reply(200, sample("kling/query_processing.json"))]
    assert (await kling.query(task())).progress is Progress.RUNNING
    first, again, renewed = (request.headers["authorization"] for request in vendor.requests)
    assert first == again != renewed
    vendor.answers = [refusal]
    with pytest.raises(ProviderError) as caught:
        await kling.query(task())
    assert (caught.value.reason, len(vendor.requests)) == (Reason.ACCESS, 5)


@pytest.mark.parametrize("http", [401, 200])
async def test_a_submission_with_a_token_out_of_time_is_sent_once_and_the_next_has_a_new_one(
    vendor: Vendor, session: aiohttp.ClientSession, http: int
) -> None:
    clock = Clock()
    account = Account(access_key="access-1", secret_key=SECRET_KEY, base_urls=(vendor.url,))
    kling = Kling(account, session, clock)
    vendor.answers = [reply(http, {"code": 1004, "message": "token"}), reply(200, sample("kling/submit.json"))]
    with pytest.raises(ProviderError):
        await kling.submit(submission(kling.fill(order())))
    assert len(vendor.requests) == 1
    clock.now += 60
    await kling.submit(submission(kling.fill(order())))
    first, second = (request.headers["authorization"] for request in vendor.requests)
    assert first != second


@pytest.mark.parametrize("code", [1000, 1001, 1002])
async def test_a_token_refused_for_itself_is_shown_once(
    vendor: Vendor, session: aiohttp.ClientSession, code: int
) -> None:
    account = Account(access_key="access-1", secret_key=SECRET_KEY, base_urls=(vendor.url,))
    for keys in (account, replace(account, api_keys=(KEY,))):
        kling = Kling(keys, session, Clock())
        vendor.requests.clear()
        vendor.answers = [reply(401, {"code": code, "message": "token"})]
        with pytest.raises(ProviderError):
            await kling.query(task())
        assert len(vendor.requests) == 1


async def test_an_api_key_goes_before_a_pair_of_keys(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    account = Account((KEY,), "access-1", SECRET_KEY, base_urls=(vendor.url,))
    await Kling(account, session, Clock()).query(task())
    assert vendor.last.headers["authorization"] == f"Bearer {KEY}"


async def test_without_a_webhook_secret_a_callback_is_a_doorbell_and_with_one_it_is_data(
    session: aiohttp.ClientSession,
) -> None:
    body = raw("kling/callback_flat.json")
    bare = Callback("/cb", [], body)
    assert Kling(ACCOUNT, session, Clock()).verify(bare, NOW).trust is Trust.DOORBELL
    signing = Kling(replace(ACCOUNT, webhook_secrets=("whsec_bmV3ZXI=", WEBHOOK_SECRET)), session, Clock())
    with pytest.raises(NotAuthentic):
        signing.verify(bare, NOW)
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, b"evt-1.1781080794." + body, "sha256"))
    headers = [(b"webhook-id", b"evt-1"), (b"webhook-timestamp", b"1781080794"), (b"webhook-signature", b"v1," + mac)]
    verified = signing.verify(Callback("/cb", headers, body), NOW)
    assert (verified.trust, verified.delivery_id) == (Trust.DATA, "evt-1")
    with pytest.raises(NotAuthentic):
        signing.verify(Callback("/cb", headers, body.replace(b"succeed", b"failed!")), NOW)
    assert json.loads(body)["task_status"] == "succeed"
