import aiohttp

from providers import registry
from providers.contract import Account
from tests.providers.orders import KEY


async def test_only_vendors_whose_keys_are_set_are_offered_in_the_stated_order(session: aiohttp.ClientSession) -> None:
    key = Account(api_keys=(KEY,))

    def built(accounts: dict[str, Account]) -> list[str]:
        return list(registry.build(accounts, session, lambda: 0.0))

    assert built(dict.fromkeys(reversed(registry.NAMES), key)) == [
        *("futurelabs", "vidu", "kkiai", "powertokens", "apiframe", "kling")
    ]
    assert built({name: Account() for name in registry.NAMES}) == []
    assert built({"vidu": Account(api_keys=("",)), "unheard-of": key}) == []
    assert built({"kling": Account(access_key="ak", secret_key="sk")}) == ["kling"]
    assert built({"kling": Account(access_key="ak"), "vidu": Account(access_key="ak", secret_key="sk")}) == []


def test_an_account_shows_no_secret() -> None:
    account = Account((KEY,), "access-s3cr3t", "secret-s3cr3t", ("whsec_s3cr3t",))
    assert "s3cr3t" not in repr(account)
