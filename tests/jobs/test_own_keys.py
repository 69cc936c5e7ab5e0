"""Jobs made with a server's own key: asked about with it alone, whatever becomes of the key, and never with another."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from jobs import intake, own_keys
from jobs.keyring import Keyring
from jobs.own_keys import Verdict
from jobs.vault import Vault
from providers.contract import Accepted, Account, Balance, ErrorKind, Provider, ProviderError, Reason
from providers.orders import Operation, Order
from storage import alerts, moderation, vendor_keys
from storage.words import AlertKind, Entry, Job, State
from tests.jobs.lab import NO_ANSWER, PRICE, Lab, Vendor, done

OLD, NEW = "o" * 40, "n" * 40
FIRST, SECOND = Account(("first-key-0123456789",)), Account(("second-key-0123456789",))
DENIED = ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "401", http=401)


class Purse(Vendor):
    """A vendor that tells what is left."""

    trouble: Exception | None = None

    async def balance(self) -> Balance | None:  # pyright: ignore[reportIncompatibleMethodOverride] -- its own says nothing
        if self.trouble is not None:
            raise self.trouble
        return Balance(7, "7")


class Accounts:
    """The vendor's side of several customers: one line of calls for each key."""

    def __init__(self, lab: Lab, *secret_keys: str) -> None:
        self.lab = lab
        self.by_key: dict[str, Purse] = {}
        self.install(*secret_keys or (NEW,))

    def install(self, *secret_keys: str) -> None:
        keys = Keyring(Vault(secret_keys), {"edge": Account(base_urls=("https://edge.example",))}, self.make)
        self.lab.ctx = replace(self.lab.ctx, keys=keys)

    def make(self, name: str, account: Account) -> Provider:
        assert account.base_urls == ("https://edge.example",)
        return self.by_key.setdefault(next(iter(account.api_keys), ""), Purse())

    def of(self, account: Account) -> Purse:
        return self.by_key[account.api_keys[0]]

    async def restart(self, *secret_keys: str) -> None:
        self.install(*secret_keys)
        await self.lab.ctx.keys.load(self.lab.ctx.database)

    async def set(self, account: Account, guild_id: int = 10) -> own_keys.Put:
        self.lab.clock.forward(1)
        return await own_keys.put(self.lab.ctx, guild_id, "edge", account, 30)

    async def key_id(self, guild_id: int = 10) -> int:
        key = await self.lab.ctx.database.read(vendor_keys.in_use, guild_id, "edge")
        assert key is not None
        return key.id

    async def drop(self) -> None:
        assert await own_keys.drop(self.lab.ctx, 10, await self.key_id(), 99) is not None


async def order_in(lab: Lab, guild_id: int, number: int, root: Job | None = None) -> Any:
    order = Order(Operation.TEXT_TO_VIDEO, model="m1", prompt="a boat", duration=5)
    asker = intake.Asker(number, guild_id, 20, 30, "Ada", 40, 10 * 2**20)
    return await intake.accept(lab.ctx, intake.Plan("edge", order, PRICE, order, None), asker, root)


async def test_each_server_is_served_with_its_own_key_and_others_with_the_operators(lab: Lab) -> None:
    accounts = Accounts(lab)
    await accounts.set(FIRST, 10)
    await accounts.set(SECOND, 11)
    jobs = [await order_in(lab, guild, 500 + guild) for guild in (10, 11, 12)]
    for job in jobs:
        assert lab.ctx.provider_of(job) is not None
    lines = (accounts.of(FIRST), accounts.of(SECOND), lab.vendor)
    for line in lines:
        line.submits.rule = lambda reference: Accepted(f"task-{reference}")
    await lab.submit()
    assert [line.submits.calls for line in lines] == [[job.code] for job in jobs]
    lab.clock.forward(200)
    await lab.reconcile()
    assert [len(line.queries.calls) for line in lines] == [1, 1, 1]


async def test_a_vendor_without_the_operators_key_is_offered_where_there_is_an_own_one(lab: Lab) -> None:
    accounts = Accounts(lab)
    lab.ctx = replace(lab.ctx, providers={})
    assert lab.ctx.offered(10) == {}
    await accounts.set(FIRST)
    assert [*lab.ctx.offered(10)] == ["edge"]
    assert lab.ctx.offered(11) == lab.ctx.offered(None) == {}
    assert (await order_in(lab, 10, 1)).key_id == await accounts.key_id()
    assert await order_in(lab, 11, 2) == intake.NoAccount("edge", gone=False)


async def test_what_the_vendor_has_goes_on_with_the_key_that_was_replaced(lab: Lab) -> None:
    accounts = Accounts(lab)
    await accounts.set(FIRST)
    job = await lab.taken()
    waiting = await lab.order()
    put = await accounts.set(SECOND)
    assert (put.replaced, put.still_running) == (True, 1)
    await lab.submit()
    assert accounts.of(SECOND).submits.calls == [waiting.code]
    await lab.give_up(await lab.now(waiting))
    accounts.of(FIRST).queries.always(done("task-1"))
    lab.clock.forward(200)
    await lab.reconcile()
    after = await lab.now(job)
    assert (after.state, after.key_id) == (State.SUCCEEDED, job.key_id)
    assert accounts.of(FIRST).queries.calls == ["task-1"]
    assert lab.vendor.calls == 0


async def test_a_removed_key_ends_what_waits_and_is_erased_after_what_runs(lab: Lab) -> None:
    accounts = Accounts(lab)
    await accounts.set(FIRST)
    job = await lab.taken()
    waiting = await lab.order()
    await accounts.drop()
    assert ((await lab.now(waiting)).state, await lab.entries(waiting)) == (
        State.CANCELLED,
        [Entry.HOLD, Entry.RELEASE],
    )
    assert (await lab.now(waiting)).cancelled_by == 99
    later = await lab.order()
    assert later.key_id is None
    assert await own_keys.erase(lab.ctx) == 0
    accounts.of(FIRST).queries.always(done("task-1"))
    await lab.ring(job, "task-1")
    await lab.settle()
    assert (await lab.now(job)).state is State.SUCCEEDED
    assert await own_keys.erase(lab.ctx) == 0  # its film is still to be fetched
    assert lab.ctx.provider_of(await lab.now(job)) is accounts.of(FIRST)
    await lab.ctx.database.write(lambda connection: connection.exec_driver_sql("UPDATE outputs SET due_at = NULL"))
    assert await own_keys.erase(lab.ctx) == 1
    assert lab.ctx.provider_of(await lab.now(job)) is None


async def test_a_doubt_is_looked_up_and_a_cancel_sent_with_the_jobs_own_key(lab: Lab) -> None:
    accounts = Accounts(lab)
    await accounts.set(FIRST)
    job = await lab.order()
    lab.ctx.provider_of(job)
    accounts.of(FIRST).submits.then(NO_ANSWER)
    await lab.submit()
    lab.clock.forward(10)
    await lab.reconcile()
    assert accounts.of(FIRST).finds.calls == [job.code]
    other = await lab.taken("another")
    await lab.give_up(other)
    await lab.reconcile()
    assert len(accounts.of(FIRST).cancels.calls) == 1
    assert lab.vendor.calls == 0


async def test_a_key_that_cannot_be_read_makes_jobs_wait_and_tells_the_admins(lab: Lab) -> None:
    accounts = Accounts(lab, OLD)
    await accounts.set(FIRST)
    job = await lab.order()
    await accounts.restart(NEW)
    assert lab.ctx.offered(10) == {}
    assert lab.ctx.keys.unreadable(10) == {"edge"}
    assert [*lab.ctx.offered(11)] == ["edge"]
    await lab.submit()
    assert ((await lab.now(job)).state, lab.vendor.calls) == (State.QUEUED, 0)
    [told] = await lab.ctx.database.read(alerts.due, lab.ctx.now(), 9)
    assert (told.kind, told.guild_id) == (AlertKind.KEY, 10)
    await accounts.restart(NEW, OLD)
    lab.clock.forward(301)
    await lab.submit()
    assert accounts.of(FIRST).submits.calls == [job.code]
    assert (await lab.now(job)).state is State.SUBMITTED


async def test_a_row_copied_to_another_server_is_not_used_there(lab: Lab) -> None:
    accounts = Accounts(lab)
    await accounts.set(FIRST)
    await accounts.set(SECOND, 11)
    swap = "UPDATE vendor_keys SET sealed = (SELECT sealed FROM vendor_keys AS o WHERE o.guild_id = 10)"
    await lab.ctx.database.write(lambda connection: connection.exec_driver_sql(swap + " WHERE guild_id = 11"))
    await accounts.restart(NEW)
    assert lab.ctx.keys.unreadable(11) == {"edge"}
    assert [*lab.ctx.offered(10)] == ["edge"]


async def test_a_wrong_key_concerns_its_server_alone(lab: Lab) -> None:
    accounts = Accounts(lab)
    await accounts.set(FIRST)
    mine, theirs = await order_in(lab, 10, 1), await order_in(lab, 11, 2)
    lab.ctx.provider_of(mine)
    accounts.of(FIRST).submits.always(DENIED)
    await lab.submit()
    assert [(await lab.now(job)).state for job in (mine, theirs)] == [State.FAILED, State.SUBMITTED]
    assert await lab.entries(mine) == [Entry.HOLD, Entry.RELEASE]
    [told] = await lab.ctx.database.read(alerts.due, lab.ctx.now(), 9)
    assert (told.kind, told.guild_id, told.job_id) == (AlertKind.ACCESS, 10, mine.id)
    [key] = await lab.ctx.database.read(vendor_keys.of_guild, 10)
    assert key.refused_at == lab.ctx.now()


async def test_a_key_revoked_under_way_is_told_while_the_job_goes_on_being_asked_about(lab: Lab) -> None:
    accounts = Accounts(lab)
    await accounts.set(FIRST)
    job = await lab.taken()
    accounts.of(FIRST).queries.then(DENIED)
    lab.clock.forward(200)
    await lab.reconcile()
    assert [one.kind for one in await lab.ctx.database.read(alerts.due, lab.ctx.now(), 9)] == [AlertKind.ACCESS]
    assert (await lab.now(job)).state is State.SUBMITTED
    assert lab.vendor.calls == 0


async def test_the_same_key_typed_twice_is_stored_once_and_acts_hold_no_key(lab: Lab) -> None:
    accounts = Accounts(lab)
    assert not (await accounts.set(FIRST)).same
    assert (await accounts.set(FIRST)).same
    await accounts.set(SECOND)
    await accounts.drop()
    acts = await lab.ctx.database.read(moderation.acts_of, 10, 9)
    assert [act.kind for act in acts] == ["removed key", "replaced key", "set key"]
    assert {(act.subject, str(act.detail)) for act in acts} == {("edge", "{}")}
    data = lab.file.read_bytes() + lab.file.with_name("rushes.db-wal").read_bytes()
    assert not [key for key in (FIRST, SECOND) if key.api_keys[0].encode() in data]


async def test_a_change_of_a_video_stays_with_the_account_that_has_it(lab: Lab) -> None:
    accounts = Accounts(lab)
    operators = await lab.taken()
    await accounts.set(FIRST)
    own = await lab.taken()
    assert (await order_in(lab, 10, 1, operators)).key_id is None
    await accounts.set(SECOND)
    assert (await order_in(lab, 10, 2, own)).key_id == await accounts.key_id()
    await accounts.drop()
    assert await order_in(lab, 10, 3, own) == intake.NoAccount("edge", gone=True)


VERDICTS: Mapping[Verdict, Exception | None] = {
    Verdict.RIGHT: None,
    Verdict.WRONG: DENIED,
    Verdict.UNKNOWN: ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "no connection"),
}


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_a_key_is_tried_with_a_call_that_costs_nothing(lab: Lab, verdict: Verdict) -> None:
    accounts = Accounts(lab)
    accounts.by_key[FIRST.api_keys[0]] = purse = Purse()
    purse.trouble = VERDICTS[verdict]
    assert (await own_keys.tried(lab.ctx, "edge", FIRST)).verdict is verdict
    assert purse.calls == 0


async def test_rotation_seals_each_key_once_and_leaves_what_it_cannot_read(lab: Lab) -> None:
    accounts = Accounts(lab, OLD)
    await accounts.set(FIRST)
    await accounts.restart(NEW, OLD)
    await accounts.set(SECOND, 11)
    database, lost = lab.ctx.database, "x" * 40
    done_once = await database.write(own_keys.rotate, Vault([NEW, OLD]))
    assert (done_once.renewed, done_once.current, len(done_once.unreadable)) == (1, 1, 0)
    again = await database.write(own_keys.rotate, Vault([NEW]))
    assert (again.renewed, again.current) == (0, 2)
    before = await database.read(vendor_keys.kept)
    nothing = await database.write(own_keys.rotate, Vault([lost]))
    assert (nothing.renewed, len(nothing.unreadable)) == (0, 2)
    assert await database.read(vendor_keys.kept) == before


async def test_few_keys_are_held_open_at_a_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.keyring._MOST_OPEN", 2)
    accounts = Accounts(lab)
    for guild in range(10, 15):
        await accounts.set(Account((f"a-key-of-server-{guild}",)), guild)
    for key in await lab.ctx.database.read(vendor_keys.kept):
        assert lab.ctx.keys.provider(key.id) is not None
    assert lab.ctx.keys.held_open == 2
    lab.ctx.keys.close()
    assert lab.ctx.keys.held_open == 0
