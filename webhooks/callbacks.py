"""Taking a provider's callback: is the address ours, is it authentic, is it JSON; store it, then answer 200.

    200 stored, or stored already      400 not a JSON object        401 not authentic
    404 no such address                405 not a POST               408 body too slow
    411 length not said                413 body too large           415 content-encoding, or an odd transfer-encoding
    503 cannot be stored just now

Nothing else happens here: no network, no job moves. What a stranger sends ends in this table, whatever it is.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from functools import partial

import structlog
from aiohttp import HttpVersion11, web

from jobs.addresses import TRIALS
from jobs.context import Context
from jobs.trial import DATE, SIGNATURE
from providers.contract import Callback, NotAuthentic, NotUnderstood, Provider, Trust, Verified
from providers.reading import read_object
from storage import inbox
from storage import jobs as job_facts
from storage.inbox import Letter
from webhooks import replies
from webhooks.connections import Door
from webhooks.crowds import Crowds
from webhooks.limits import Limits
from webhooks.refused import Refused

_log = structlog.get_logger("callbacks")
# As it came over the wire: no query, nothing percent-encoded, nothing that a proxy could read in another way.
_ADDRESS = re.compile(r"/callbacks/([a-z0-9_-]{1,32})/([A-Za-z0-9_-]{35})")
_LENGTH = re.compile(r"[0-9]{1,12}")
_DELIVERY_ID = re.compile(r"[!-~]{1,128}")  # what the column takes
_STALE = "stale:"


class _Refused(Exception):  # noqa: N818 -- an answer, not an error
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason  # for our log alone


async def receive(
    request: web.BaseRequest, ctx: Context, limits: Limits, refused: Refused, crowds: Crowds
) -> web.StreamResponse:
    """Answer a request below /callbacks/."""
    job_id: int | None = None
    body: bytes | None = None
    try:
        _check_head(request, limits)
        if request.raw_path.startswith(TRIALS):
            await _take_trial(request, ctx, limits)
            return replies.plain("ok")
        name, token, job_id = _addressee(request, ctx)
        body = await _read(request, limits)
        secrets = partial(ctx.addresses.callback_secrets, name, job_id)
        callback = Callback(ctx.addresses.signed_path(name, token), request.raw_headers, body, secrets)
        # Where no server has a key of its own there, whose account it is needs no look at the database.
        accounts = await _accounts(name, job_id, ctx, limits) if ctx.keys.any_of(name) else [ctx.providers[name]]
        letter, late = _read_letter(callback, accounts, job_id, ctx)
        if letter.trust == Trust.DOORBELL.value:
            _wait_in_turn(request, job_id, crowds)
        new = await _stored(letter, ctx, limits, crowds)
        # Whoever has one true callback, or knows the address of a job whose vendor signs nothing, can send it for ever.
        if new or _may_tell(request):
            ctx.tell("callback stored" if new else "callback repeated", job_id, trust=letter.trust)
        _demand_fresh(late)
    except _Refused as refusal:
        if _may_tell(request):
            ctx.tell("callback refused", job_id, status=refusal.status, reason=refusal.reason[:200])
        refused.note(provider_of(request, ctx), job_id, refusal.status, refusal.reason, body)
        return replies.refuse(refusal.status, allow="POST" if refusal.status == 405 else "")
    return replies.ok(request)


async def _take_trial(request: web.BaseRequest, ctx: Context, limits: Limits) -> None:
    """Take the callback this process sends itself (jobs/trial.py). Strangers know no word, and leave nothing behind."""
    word = request.raw_path.removeprefix(TRIALS)
    if not ctx.trials.awaits(word, ctx.clock()):
        raise _Refused(404, "no trial of ours")
    body = await _read(request, limits)
    date, signature = (request.headers.get(name, "") for name in (DATE, SIGNATURE))
    if not ctx.trials.arrive(ctx.addresses, word, date, signature, body, ctx.clock()):
        raise _Refused(401, "the trial was changed on its way")


def _may_tell(request: web.BaseRequest) -> bool:
    """Say whether the log has room for one more line that a stranger can have written again and again."""
    return not isinstance(request.protocol, Door) or request.protocol.may_tell()


def provider_of(request: web.BaseRequest, ctx: Context) -> str:
    """Name the configured provider a request is addressed to, for counting; "other" when there is none."""
    name = request.raw_path.split("/", 3)[2]
    return name if ctx.knows(name) else "other"


def ends_plainly(request: web.BaseRequest) -> bool:
    """Say whether everybody sees a request end where we do: no transfer-encoding, or "chunked" alone, once.

    "gzip, chunked" is a content-encoding by another name, and HTTP/1.0 has no chunks: a proxy would see another body.
    """
    if "Transfer-Encoding" not in request.headers:
        return True
    framing = [name.lower() for name in request.headers.getall("Transfer-Encoding")]
    return framing == ["chunked"] and request.version >= HttpVersion11


def _check_head(request: web.BaseRequest, limits: Limits) -> None:
    headers = request.headers
    if request.method != "POST":
        raise _Refused(405, "another method")
    codings = headers.getall("Content-Encoding") if "Content-Encoding" in headers else ()
    if any(coding.strip().lower() != "identity" for coding in codings):
        raise _Refused(415, "content-encoding")
    if not ends_plainly(request):
        raise _Refused(415, "transfer-encoding")
    length = headers.get("Content-Length")
    if length is None:
        if "Transfer-Encoding" not in headers:
            raise _Refused(411, "no length")
    elif not _LENGTH.fullmatch(length) or int(length) > limits.max_body:
        raise _Refused(413, "too large")


def _addressee(request: web.BaseRequest, ctx: Context) -> tuple[str, str, int]:
    address = _ADDRESS.fullmatch(request.raw_path)
    if address is None:
        raise _Refused(404, "not an address of ours")
    name, token = address.groups()
    known = ctx.knows(name)
    job_id = ctx.addresses.job_of(name, token)
    if not known or job_id is None:
        raise _Refused(404, "not a token of ours" if known else "no such provider")
    return name, token, job_id


async def _accounts(name: str, job_id: int, ctx: Context, limits: Limits) -> list[Provider]:
    """List the adapters any of which may vouch for a callback: of the account that the job is made with."""
    try:
        async with asyncio.timeout(limits.store_seconds):
            job = await ctx.database.read(job_facts.by_id, job_id)
    except Exception as error:  # noqa: BLE001 -- whose job it is cannot be told just now: the sender must come again
        _log.warning("callback's job not read", provider=name, error=f"{type(error).__name__}: {error}")
        raise _Refused(503, "cannot read now") from None
    if job is not None and job.provider == name:
        found = [ctx.provider_of(job)]
    else:  # the vendor turned the job away before another one took it: with which account is not kept
        found = [*ctx.keys.of_guild(job.guild_id if job else None, name), ctx.providers.get(name)]
    # With a key that is gone nobody can sign; adapters that need none for this can still tell.
    return [one for one in found if one is not None] or [one for one in [ctx.keys.blank(name)] if one is not None]


def _wait_in_turn(request: web.BaseRequest, job_id: int, crowds: Crowds) -> None:
    if crowds.turns_away(job_id, request):
        raise _Refused(503, "too many of this job from one sender")


def _demand_fresh(late: str | None) -> None:
    if late is not None:
        raise _Refused(401, late)


async def _stored(letter: Letter, ctx: Context, limits: Limits, crowds: Crowds) -> bool:
    """Store a callback, and say whether it is new."""
    try:
        new = await ctx.database.write_together(inbox.stored, letter, within=limits.store_seconds)
    except Exception as error:  # noqa: BLE001 -- however storing fails, the sender must come again
        _log.warning("callback not stored", provider=letter.provider, error=f"{type(error).__name__}: {error}")
        raise _Refused(503, "cannot store now") from None
    if new is None:
        crowds.note(letter.job_id)
        # With 200 the genuine one would not come again once the others were looked at.
        raise _Refused(503, "too many of this job wait to be looked at")
    if new:
        ctx.wakes.settle.set()
    return new


def _read_letter(
    callback: Callback, accounts: Sequence[Provider], job_id: int, ctx: Context
) -> tuple[Letter, str | None]:
    """Check who sent it and whether it can be read. A reason besides: it is to be stored, yet refused."""
    provider, verified, late = _believed_by_any(accounts, callback, ctx.clock(), job_id)
    # Not before: whoever knows one address could write lines without end.
    ctx.tell("callback received", job_id, provider=provider.name, bytes=len(callback.body))
    if late is None:
        ctx.tell("callback verified", job_id, trust=verified.trust)
    _demand_object(callback.body, 400 if late is None else 401)
    name = _short(verified.delivery_id)
    return Letter(provider.name, job_id, name, verified.trust.value, callback.body, ctx.now()), late


async def _read(request: web.BaseRequest, limits: Limits) -> bytes:
    if request.content.is_eof():  # it came with the head
        return _within(request.content.read_nowait(), limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            # HTTP/1.0 knows no reply before the reply.
            if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0  # aiohttp takes what was sent for the beginning of the reply
            while len(body) <= limits.max_body and (part := await request.content.readany()):
                body += part
    except TimeoutError:
        raise _Refused(408, "body too slow") from None
    except Exception as error:  # noqa: BLE001 -- broken chunks, broken connection: whatever it is, it is no body
        raise _Refused(400, f"body broke off: {type(error).__name__}") from None
    return _within(bytes(body), limits)


def _within(body: bytes, limits: Limits) -> bytes:
    if len(body) > limits.max_body:
        raise _Refused(413, "too large")
    return body


def _believed_by_any(
    accounts: Sequence[Provider], callback: Callback, now: float, job_id: int
) -> tuple[Provider, Verified, str | None]:
    """Have a callback verified by the first account that believes it."""
    refusal = _Refused(401, "there is no account that could tell")
    for provider in accounts:
        try:
            return provider, *_believe(provider, callback, now, job_id)
        except _Refused as refused:
            refusal = refused
    raise refusal


def _believe(provider: Provider, callback: Callback, now: float, job_id: int) -> tuple[Verified, str | None]:
    """Have a callback verified. A reason besides: it is to be refused, yet its bell has rung."""
    try:
        return provider.verify(callback, now), None
    except NotAuthentic as refusal:
        if not refusal.stale:
            raise _Refused(401, str(refusal)) from None
        return Verified(Trust.DOORBELL, _stale_name(provider, callback.body, job_id)), str(refusal)
    except Exception:  # noqa: BLE001 -- a verifier that fails must fail closed, and not take us along
        _log.exception("verify broke its promise", provider=provider.name)
        raise _Refused(401, "could not be verified") from None


def _stale_name(provider: Provider, body: bytes, job_id: int) -> str:
    """Name a callback whose date is too old: one for each thing a job's callback can say.

    A wrong clock makes every callback stale, and each piece of news must ring. Somebody who replays an old one, even
    with another body, rings a few times in a job's life and never again.
    """
    try:
        word = provider.read_callback(body).progress.value
    except Exception:  # noqa: BLE001 -- what cannot be read rings too
        word = "unread"
    return f"{_STALE}{job_id}:{word}"


def _demand_object(body: bytes, status: int) -> None:
    try:
        read_object(body)
    except NotUnderstood:
        raise _Refused(status, "not a JSON object") from None


def _short(delivery_id: str) -> str:
    """Fit a delivery's name into its column; another one's name stays another one."""
    if _DELIVERY_ID.fullmatch(delivery_id):
        return delivery_id
    return "sha256:" + hashlib.sha256(delivery_id.encode("utf-8", "surrogatepass")).hexdigest()
