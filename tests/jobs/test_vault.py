"""What is sealed opens at its own place only, under any of the secret keys, and can be sealed anew by the newest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import own_keys
from jobs.own_keys import Flaw, Typed
from jobs.vault import Place, Unreadable, Vault
from providers.contract import Account

OLD, NEW = "old-" + "k" * 40, "new-" + "k" * 40
HERE = Place(10, "vidu", 1)
ACCOUNT = Account(("a-vendor-key-0123456789",))
PAIR = Account((), "an-access-key-0123", "a-secret-key-4567")


@pytest.mark.parametrize("account", [ACCOUNT, PAIR])
def test_what_is_sealed_opens_at_its_place_and_shows_nothing(account: Account) -> None:
    vault = Vault([NEW])
    sealed = vault.seal(HERE, account)
    assert vault.open(HERE, sealed) == account
    for word in (b"a-vendor-key", b"an-access-key", b"a-secret-key", b"vidu"):
        assert word not in sealed
    assert NEW not in repr(vault)


@pytest.mark.parametrize("change", [{"guild_id": 11}, {"provider": "kling"}, {"key_id": 2}])
def test_a_row_copied_to_another_place_does_not_open(change: dict[str, object]) -> None:
    vault = Vault([NEW])
    with pytest.raises(Unreadable, match="another place"):
        vault.open(replace(HERE, **change), vault.seal(HERE, ACCOUNT))  # type: ignore[arg-type]


@given(at=st.integers(0, 150), bit=st.integers(0, 7))
def test_an_altered_seal_does_not_open(at: int, bit: int) -> None:
    vault = Vault([NEW])
    sealed = bytearray(vault.seal(HERE, ACCOUNT))
    sealed[at] ^= 1 << bit
    with pytest.raises(Unreadable):
        vault.open(HERE, bytes(sealed))


def test_an_old_secret_key_still_opens_and_a_missing_one_does_not() -> None:
    sealed = Vault([OLD]).seal(HERE, ACCOUNT)
    assert Vault([NEW, OLD]).open(HERE, sealed) == ACCOUNT
    with pytest.raises(Unreadable, match="SECRET_KEYS"):
        Vault([NEW]).open(HERE, sealed)


def test_sealing_anew_is_done_once_and_keeps_the_place() -> None:
    both = Vault([NEW, OLD])
    renewed = both.renewed(HERE, Vault([OLD]).seal(HERE, ACCOUNT))
    assert renewed is not None
    assert Vault([NEW]).open(HERE, renewed) == ACCOUNT
    assert both.renewed(HERE, renewed) is None
    with pytest.raises(Unreadable):
        both.renewed(replace(HERE, guild_id=11), Vault([OLD]).seal(HERE, ACCOUNT))


def test_a_key_for_this_is_no_key_for_addresses() -> None:
    with pytest.raises(Unreadable):
        Vault([NEW]).open(HERE, b"gAAAA")


@pytest.mark.parametrize(
    ("vendor", "typed", "found"),
    [
        ("vidu", Typed("  vda_0123456789abcdef\n"), Account(("vda_0123456789abcdef",))),
        ("vidu", Typed("", "access-123", "secret-123"), Flaw.MISSING),
        ("vidu", Typed("   "), Flaw.MISSING),
        ("vidu", Typed("short"), Flaw.MALFORMED),
        ("vidu", Typed("two words-and-more"), Flaw.MALFORMED),
        ("vidu", Typed("k" * 513), Flaw.MALFORMED),
        ("vidu", Typed("kéy-kéy-kéy-kéy"), Flaw.MALFORMED),
        ("kling", Typed("", "access-123", "secret-123"), Account((), "access-123", "secret-123")),
        ("kling", Typed("", "access-123"), Flaw.HALF),
        ("kling", Typed("", "", "secret-123"), Flaw.HALF),
        ("kling", Typed("api-key-123", "access-123", "secret-123"), Flaw.BOTH),
        ("kling", Typed("api-key-123"), Account(("api-key-123",))),
    ],
)
def test_what_is_typed_is_a_key_or_a_flaw(vendor: str, typed: Typed, found: Account | Flaw) -> None:
    assert own_keys.read(vendor, typed) == found
    assert "123" not in repr(typed)


def test_a_hint_is_four_characters_of_a_long_key_and_never_of_a_secret() -> None:
    assert own_keys.hint_of(ACCOUNT) == "6789"
    assert own_keys.hint_of(PAIR) == "0123"
    assert own_keys.hint_of(Account(("short-key",))) == ""
