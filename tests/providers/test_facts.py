"""The facts in which the vendors differ, row by row: where each is called, how it answers, and who may call us.

Documents: Vidu (platform.vidu.com/docs), Kling (kling.ai/document-api), Apiframe (docs.apiframe.ai), kkiai
(docs.kkiai.com), powertokens (docs.powertokens.ai), Futurelabs (doc.futurelabsai.dev); read 2026-11.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from providers import apiframe, futurelabs, kkiai, kling, powertokens, registry, vidu
from providers.contract import (
    Account,
    Callback,
    ErrorKind,
    NotAuthentic,
    Progress,
    Provider,
    ProviderError,
    Reason,
    Submission,
    Trust,
)
from providers.orders import Operation
from tests.providers.lab import Vendor, reply
from tests.providers.orders import CALLBACK, KEY, order, task

ID = "881704293106061404"
VIDEO = "https://files.example/1.mp4"
IMAGE = Operation.IMAGE_TO_VIDEO


@dataclass(frozen=True)
class Facts:
    """One column of the table."""

    bases: tuple[str, ...]
    authorization: str
    submit: str  # image to video
    accepted: dict[str, Any]
    asked: tuple[str, str]  # method and path
    answer: dict[str, Any]  # a finished task, as a query shows it
    success: str
    callback_field: str
    out_of_credit: tuple[int, dict[str, Any]]
    cancel: str | None
    trust: Trust | None  # of a callback that brings nothing; None: refused
    callback: dict[str, Any] = field(default_factory=dict[str, Any])  # where its body is another than the query's


def vidu_like(id_name: str) -> dict[str, Any]:
    return {id_name: ID, "state": "success", "credits": 20, "creations": [{"id": "1", "url": VIDEO}]}


NO_CREDIT: dict[str, Any] = {
    "code": 400,
    "reason": "CreditInsufficient",
    "message": "credit is not enough",
    "metadata": {},
}
KLING_TASK = {
    "task_id": ID,
    "task_status": "succeed",
    "task_result": {"videos": [{"id": "1", "url": VIDEO, "duration": "5"}]},
    "task_info": {"external_task_id": "job-1"},
}
FACTS = {
    "vidu": Facts(
        bases=vidu.BASE_URLS,
        authorization=f"Token {KEY}",
        submit="/ent/v2/img2video",
        accepted={"task_id": ID, "state": "created"},
        asked=("GET", f"/ent/v2/tasks/{ID}/creations"),
        answer=vidu_like("id"),
        success="success",
        callback_field="callback_url",
        out_of_credit=(400, NO_CREDIT),
        cancel=f"/ent/v2/tasks/{ID}/cancel",
        trust=None,
    ),
    "kling": Facts(
        bases=kling.BASE_URLS,
        authorization=f"Bearer {KEY}",
        submit="/v1/videos/image2video",
        accepted={"code": 0, "data": {"task_id": ID, "task_status": "submitted"}},
        asked=("GET", f"/v1/videos/image2video/{ID}"),
        answer={"code": 0, "data": KLING_TASK},
        success="succeed",
        callback_field="callback_url",
        out_of_credit=(429, {"code": 1102, "message": "resource pack exhausted", "request_id": "r"}),
        cancel=None,
        trust=Trust.DOORBELL,
        callback=KLING_TASK,
    ),
    "apiframe": Facts(
        bases=apiframe.BASE_URLS,
        authorization=KEY,
        submit="/kling-imagine",
        accepted={"task_id": ID},
        asked=("POST", "/fetch"),
        answer={"task_id": ID, "task_type": "kling-video", "video_url": VIDEO, "status": "finished", "percentage": 100},
        success="finished",
        callback_field="webhook_url",
        out_of_credit=(400, {"errors": [{"msg": "Not enough credits"}]}),  # not documented: its documented 400
        cancel=None,
        trust=None,
    ),
    "kkiai": Facts(
        bases=kkiai.BASE_URLS,
        authorization=f"Bearer {KEY}",
        submit="/ent/v2/img2video",
        accepted={"task_id": ID, "state": "created"},
        asked=("GET", f"/ent/v2/tasks/{ID}/creations"),
        answer=vidu_like("task_id"),
        success="success",
        callback_field="callback_url",
        out_of_credit=(400, NO_CREDIT),
        cancel=None,
        trust=Trust.DOORBELL,
    ),
    "powertokens": Facts(
        bases=powertokens.BASE_URLS,
        authorization=f"Bearer {KEY}",
        submit="/vidu/ent/v2/img2video",
        accepted={"task_id": ID, "state": "created"},
        asked=("GET", f"/vidu/ent/v2/tasks/{ID}/creations"),
        answer=vidu_like("id"),
        success="success",
        callback_field="callback_url",
        out_of_credit=(400, NO_CREDIT),
        cancel=None,
        trust=Trust.DOORBELL,
    ),
    "futurelabs": Facts(
        bases=futurelabs.BASE_URLS,
        authorization=f"Token {KEY}",
        submit="/ai/avu/img2video",
        accepted={"task_id": ID, "state": "created"},
        asked=("GET", f"/ai/avu/tasks/{ID}/creations"),
        answer=vidu_like("task_id"),
        success="success",
        callback_field="callback_url",
        out_of_credit=(400, NO_CREDIT),
        cancel=f"/ai/avu/tasks/{ID}/cancel",
        trust=Trust.DOORBELL,
    ),
}
ADDRESSES = {
    "vidu": ["https://api.vidu.com"],
    "kling": ["https://api-singapore.klingai.com"],
    "apiframe": ["https://api.apiframe.pro"],
    "kkiai": ["https://www.kkiai.com"],
    "powertokens": ["https://api.powertokens.ai"],
    "futurelabs": ["https://api.imagine-future.com", "https://api.futurelabsai.dev"],
}

pytestmark = pytest.mark.parametrize("name", registry.NAMES)


@pytest.fixture
async def provider(name: str, vendor: Vendor, session: aiohttp.ClientSession) -> Provider:
    account = Account(api_keys=(KEY,), base_urls=(vendor.url,))
    return registry.build({name: account}, session, lambda: 1_700_000_000.0)[name]


def submission(provider: Provider) -> Submission:
    return Submission(provider.fill(order(IMAGE)), "job-1", CALLBACK, "this-jobs-own-secret")


def test_its_address_is_the_documented_one(name: str) -> None:
    assert list(FACTS[name].bases) == ADDRESSES[name]


async def test_a_picture_goes_to_its_path_with_its_kind_of_key(name: str, provider: Provider, vendor: Vendor) -> None:
    facts = FACTS[name]
    vendor.answers = [reply(200, facts.accepted)]
    accepted = await provider.submit(submission(provider))
    assert accepted.task_id == ID
    assert (vendor.last.method, vendor.last.path) == ("POST", facts.submit)
    assert vendor.last.headers["authorization"] == facts.authorization
    assert vendor.last.json[facts.callback_field] == CALLBACK
    assert vendor.last.json.get("webhook_secret") == ("this-jobs-own-secret" if name == "apiframe" else None)
    assert ("this-jobs-own-secret" in vendor.last.body.decode()) == (name == "apiframe")


async def test_it_is_asked_at_its_path_and_its_word_for_success_is_known(
    name: str, provider: Provider, vendor: Vendor
) -> None:
    facts = FACTS[name]
    vendor.answers = [reply(200, facts.answer)]
    status = await provider.query(task(ID, IMAGE))
    assert (vendor.last.method, vendor.last.path) == facts.asked
    assert ID in vendor.last.target + vendor.last.body.decode()
    assert (status.task_id, status.progress, status.word) == (ID, Progress.SUCCEEDED, facts.success)
    assert [output.url for output in status.outputs] == [VIDEO]


async def test_an_empty_account_is_a_clear_refusal_for_the_admins(
    name: str, provider: Provider, vendor: Vendor
) -> None:
    vendor.answers = [reply(*FACTS[name].out_of_credit)]
    with pytest.raises(ProviderError) as caught:
        await provider.submit(submission(provider))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.CREDIT)


async def test_it_is_stopped_where_a_way_is_documented(name: str, provider: Provider, vendor: Vendor) -> None:
    path = FACTS[name].cancel
    assert provider.can_cancel(IMAGE) == (path is not None)
    vendor.answers = [reply(200, {})]
    if path is None:
        with pytest.raises(ProviderError) as caught:
            await provider.cancel(task(ID, IMAGE))
        assert caught.value.kind is ErrorKind.REJECTED
        assert vendor.connections == 0
    else:
        await provider.cancel(task(ID, IMAGE))
        assert (vendor.last.method, vendor.last.path) == ("POST", path)


def test_its_callback_is_read_and_as_it_comes_is_believed_no_more_than_it_proves(name: str, provider: Provider) -> None:
    facts = FACTS[name]
    body = json.dumps(facts.callback or facts.answer).encode()
    assert provider.read_callback(body).task_id == ID
    bare = Callback("/callbacks/x/y", [], body, lambda: ["this-jobs-own-secret"])
    if facts.trust is None:
        with pytest.raises(NotAuthentic):
            provider.verify(bare, 1_700_000_000.0)
    else:
        assert provider.verify(bare, 1_700_000_000.0).trust is facts.trust
