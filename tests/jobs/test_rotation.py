"""What an older secret key is needed for, and from when on it is not."""

from dataclasses import replace

import pytest

from jobs import rotation
from jobs.accounts import Accounts, name_of
from jobs.rotation import Needed
from jobs.vault import Vault, place_of
from providers.contract import Account
from storage import marks, needs, vendor_keys
from storage.words import StoredKey
from tests.jobs.lab import Lab, done

DAY = 86_400
OLD, NEW = "o" * 40, "n" * 40


async def noted(lab: Lab, *keys: str) -> None:
    await lab.ctx.database.write(rotation.noted, keys, lab.ctx.now())


async def needed(lab: Lab, *keys: str) -> list[Needed]:
    return await lab.ctx.database.read(rotation.needed, keys, lab.ctx.now())


async def test_an_old_key_is_needed_for_jobs_links_and_sealed_keys_and_then_no_more(lab: Lab) -> None:
    await noted(lab, OLD)
    job = await lab.taken()
    key = StoredKey(1, 10, "vidu", None, "", 30, 1)
    sealed = Vault([OLD]).seal(place_of(key), Account(("an-own-key-0123",)))
    await lab.ctx.database.write(vendor_keys.stored, replace(key, sealed=sealed))
    lab.clock.forward(DAY)
    await noted(lab, NEW, OLD)
    replaced = lab.ctx.now()
    assert await needed(lab, NEW, OLD) == [Needed(2, 1, 1, replaced + 7 * DAY * 1000)]
    lab.clock.forward(1)
    await lab.taken()  # its address is signed by the new one
    assert (await needed(lab, NEW, OLD))[0].jobs == 1
    lab.vendor.queries.always(done(job.task_id or "", outputs=()))
    await lab.ring(job, job.task_id or "")
    await lab.settle()
    renewed = Vault([NEW, OLD]).renewed(place_of(key), sealed)
    assert renewed is not None
    await lab.ctx.database.write(vendor_keys.resealed, 1, renewed)
    await noted(lab, NEW, OLD)  # another start changes nothing
    assert await needed(lab, NEW, OLD) == [Needed(2, 0, 0, replaced + 7 * DAY * 1000)]
    lab.clock.forward(7 * DAY)
    [free] = await needed(lab, NEW, OLD)
    assert free.free


async def test_a_key_that_was_replaced_only_in_the_settings_counts_from_now(lab: Lab) -> None:
    await noted(lab, OLD)
    await lab.taken()
    assert [one.jobs for one in await needed(lab, NEW, OLD)] == [1]


async def test_a_key_that_becomes_the_newest_again_is_replaced_anew(lab: Lab) -> None:
    await noted(lab, NEW, OLD)
    lab.clock.forward(30 * DAY)
    await noted(lab, OLD, NEW)
    lab.clock.forward(30 * DAY)
    await noted(lab, NEW, OLD)
    assert [one.links_until for one in await needed(lab, NEW, OLD)] == [lab.ctx.now() + 7 * DAY * 1000]


async def test_names_of_keys_tell_nothing_of_them(lab: Lab) -> None:
    await noted(lab, NEW, OLD)
    told = str(await lab.ctx.database.read(marks.like, "secret key"))
    assert OLD not in told
    assert rotation.name_of(OLD) != rotation.name_of(NEW)
    assert name_of("vidu", "k") != name_of("kling", "k")
    assert "k-secret" not in repr(Accounts({"vidu": Account(("k-secret",))}))


@pytest.mark.parametrize("over", [False, True])
async def test_jobs_are_counted_by_the_vendors_key_they_were_sent_with(lab: Lab, over: bool) -> None:
    lab.ctx = replace(lab.ctx, accounts=Accounts({"edge": Account(("a-key",))}))
    job = await lab.taken()
    assert job.account == name_of("edge", "a-key")
    if over:
        lab.vendor.queries.always(done(job.task_id or "", outputs=()))
        await lab.ring(job, job.task_id or "")
        await lab.settle()
    found = [(one.account, one.jobs) for one in await lab.ctx.database.read(needs.of_accounts)]
    assert found == ([] if over else [(job.account, 1)])
