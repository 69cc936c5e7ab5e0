import sys
from pathlib import Path
from typing import Any

import pytest

from providers.registry import NAMES
from rushes.settings import BadSettings, Settings, load

GOOD: dict[str, Any] = {
    "discord_token": "a-token-of-discord",
    "public_url": "https://rushes.example.org",
    "secret_keys": "k" * 32,
    "vidu_api_key": "a-key-of-vidu",
}
WHSEC = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
POSTGRESQL = "postgresql+asyncpg://rushes:canary%40base@db.example/rushes?password=canary-query"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def problems(**changes: Any) -> list[str]:
    with pytest.raises(BadSettings) as bad:
        load(None, **{name: value for name, value in {**GOOD, **changes}.items() if value is not None})
    return bad.value.problems


def test_every_missing_setting_is_reported_at_once_with_where_to_get_it() -> None:
    with pytest.raises(BadSettings) as bad:
        load(None)
    said = "\n".join(bad.value.problems)
    for name in ("DISCORD_TOKEN", "PUBLIC_URL", "SECRET_KEYS"):
        assert f"{name} is missing" in said
    assert "developer portal" in said
    assert "token_urlsafe" in said


def test_every_wrong_setting_is_reported_at_once() -> None:
    said = problems(
        public_url="ftp://x",
        secret_keys="short",
        port=99_999,
        callback_grace=0,
        log_level="LOUD",
        allowed_private_hosts="here:²",
    )
    names = {line.split()[0] for line in said}
    assert names == {"PUBLIC_URL", "SECRET_KEYS", "PORT", "CALLBACK_GRACE", "LOG_LEVEL", "ALLOWED_PRIVATE_HOSTS"}


@pytest.mark.parametrize(
    "url",
    [
        "rushes.example.org",
        "https://",
        "https://rushes.example.org/?a=1",
        "https://rushes.example.org/#a",
        "https://user:word@rushes.example.org",
        "http://rushes.example.org",
        "https://rushes.example.org:canary",
        "https://rushes.example.org:0",
        "https://[canary",
        "https://rushes.example\n.org",
        "https://rushes example.org",
        "https://rushes.example.org/a b",
    ],
)
@pytest.mark.parametrize("name", ["PUBLIC_URL", "DISCORD_API_URL", "FUTURELABS_BASE_URL", "VIDU_BASE_URL"])
def test_an_address_that_cannot_be_used_is_refused(name: str, url: str) -> None:
    [said] = problems(**{name.lower(): url if "_BASE_" not in name else f"https://a.example,{url}"})
    assert said.startswith(f"{name} must")
    assert "canary" not in said


def test_result_hosts_are_ends_of_names_and_count_beside_what_is_known() -> None:
    hosts = load(None, **{**GOOD, "vidu_result_hosts": "*.CDN.example.com, .b.example , c.example"}).result_hosts()
    assert [hosts.allowed("vidu", name, 443) for name in ("x.cdn.example.com", "b.example", "c.example")] == [True] * 3
    assert hosts.allowed("vidu", "prod-ss-vidu.s3.oss-cn-beijing.aliyuncs.com", 443)
    assert not hosts.allowed("vidu", "d.example", 443)
    assert hosts.allowed("kling", "d.example", 443)


@pytest.mark.parametrize(
    "value", ["https://a.example", "a.example/x", "a", "*", "10.0.0.1", "a..b", "a.example:443", "a b.c"]
)
def test_what_is_no_name_of_a_host_is_refused(value: str) -> None:
    [said] = problems(vidu_result_hosts=value)
    assert said.startswith("VIDU_RESULT_HOSTS must hold names of hosts")


def test_plain_http_is_for_this_machine_alone() -> None:
    for url in ("http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"):
        assert load(None, **{**GOOD, "kling_base_url": url}).kling_base_url == (url,)
    [said] = problems(kling_base_url="https://kling.example,http://192.168.0.2")
    assert said.startswith("KLING_BASE_URL must begin with https://")


def test_a_public_url_may_have_a_path_and_loses_its_last_slash() -> None:
    assert (
        load(None, **{**GOOD, "public_url": "https://example.org/rushes/"}).public_url == "https://example.org/rushes"
    )


def test_a_vendor_without_a_key_is_not_offered() -> None:
    assert set(load(None, **GOOD).accounts()) == {"vidu"}
    assert set(load(None, **{**GOOD, "kling_api_key": "k", "futurelabs_api_key": "f"}).accounts()) == {
        "futurelabs",
        "kling",
        "vidu",
    }


def test_it_can_begin_without_any_vendor_of_its_own() -> None:
    settings = load(None, **{**GOOD, "vidu_api_key": ""})
    assert settings.accounts() == {}
    assert "vidu" in settings.terms()


def test_half_a_pair_of_kling_keys_is_reported() -> None:
    [said] = problems(kling_access_key="only-half-of-it")
    assert "KLING_SECRET_KEY" in said


def test_what_is_wrong_between_settings_is_told_with_what_is_wrong_in_them() -> None:
    said = problems(port=-1, kling_access_key="only-half-of-it")
    assert [line.split()[0] for line in said] == ["PORT", "KLING_ACCESS_KEY"]
    said = problems(public_url=None, secret_keys="short", kling_secret_key="only-half-of-it")
    assert [line.split()[0] for line in said] == ["PUBLIC_URL", "SECRET_KEYS", "KLING_ACCESS_KEY"]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"kling_access_key": "a", "kling_secret_key": "ssh-rsa a"}, "KLING_SECRET_KEY"),
        ({"vidu_api_key": "a b"}, "VIDU_API_KEY"),
    ],
)
def test_nothing_is_guessed_about_a_setting_that_cannot_be_read(wrong: dict[str, str], name: str) -> None:
    said = problems(**{"vidu_api_key": None, **wrong})
    assert [line.split()[0] for line in said] == [name]


def test_a_file_that_is_no_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(BadSettings, match="cannot be read"):
        load(tmp_path / ".env")


def test_no_report_and_no_repr_shows_a_secret() -> None:
    canary = "canary-do-not-print"
    said = problems(secret_keys=canary, discord_token=canary, public_url=f"https://u:{canary}@x.org", port="x")
    assert canary not in "\n".join(said)
    settings = load(None, **{**GOOD, "discord_token": canary, "vidu_api_key": canary, "secret_keys": canary * 2})
    assert canary not in repr(settings) + str(settings) + repr(settings.accounts())
    assert set(settings.secret_values()) == {canary, canary * 2}


@pytest.mark.parametrize(
    "secret",
    [
        "canary",
        "whsec_canary",
        "whsec_%%",
        "whsec_Y2FuYXJ5",
        "whsec_" + "Y2Fu-XJ5" * 4,
        "whsec_" + "YWJj" * 100,
        WHSEC[:-1],
    ],
)
def test_a_webhook_secret_that_would_refuse_every_callback_is_refused(secret: str) -> None:
    [said] = problems(kling_webhook_secret=f"{WHSEC},{secret}")
    assert said.startswith("KLING_WEBHOOK_SECRET must")
    assert secret.removeprefix("whsec_") not in said


def test_a_webhook_secret_may_come_without_its_prefix() -> None:
    bare = WHSEC.removeprefix("whsec_")
    account = load(None, **{**GOOD, "kling_api_key": "k", "kling_webhook_secret": f"{WHSEC},{bare}"}).accounts()[
        "kling"
    ]
    assert account.webhook_secrets == (WHSEC, bare)


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----",
        "ssh-rsa Y2FuYXJ5",
        '{"kty": "oct", "k": "Y2FuYXJ5"}',
    ],
)
def test_a_secret_key_of_kling_that_no_token_can_be_signed_with_is_refused(key: str) -> None:
    [said] = problems(kling_access_key="a", kling_secret_key=key)
    assert said.startswith("KLING_SECRET_KEY must")
    assert "Y2FuYXJ5" not in said


@pytest.mark.parametrize("name", ["discord_token", "futurelabs_api_key", "vidu_api_key", "kling_api_key"])
@pytest.mark.parametrize("value", ["canary key", "canary\nkey", "canary\r\nkey", "canary\x00", "canaryßkey"])
def test_a_key_that_no_header_can_carry_is_refused(name: str, value: str) -> None:
    [said] = problems(**{name: value})
    assert said.startswith(f"{name.upper()} must")
    assert "canary" not in said


def test_a_token_with_a_line_break_at_its_end_is_refused() -> None:
    [said] = problems(discord_token="canary\n")
    assert said.startswith("DISCORD_TOKEN must")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("foo", "must be an address"),
        ("postgresql+asyncpg://u:canary@x:canary/y", "must be an address"),
        ("postgresql+asyncpg://u:canary@x:99999/y", "must name a port"),
        ("postgresql+asyncpg://u:canary@x/y?sslmode=require", "must have nothing after the ? but ssl"),
        ("postgresql+asyncpg://u:canary@x/y?ssl=canary", "must say ssl= and one of"),
        ("canary://u:canary@x/y", "must begin with"),
        ("postgresql://u:canary@x/y", "must begin with"),
        ("sqlite:///canary.db", "must begin with"),
        ("sqlite+aiosqlite://", "must name a file"),
        ("sqlite+aiosqlite:///:memory:", "must name a file"),
    ],
)
def test_a_database_that_could_not_be_opened_is_refused_in_words(url: str, said: str) -> None:
    [problem] = problems(database_url=url)
    assert problem.startswith(f"DATABASE_URL {said}")
    assert "canary" not in problem


def test_postgresql_without_its_driver_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    [problem] = problems(database_url=POSTGRESQL)
    assert "asyncpg" in problem
    assert "canary" not in problem


def test_the_password_of_the_database_is_not_shown_and_is_told_to_the_censor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asyncpg.py").touch()  # enough to be found
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    settings = load(None, **{**GOOD, "database_url": POSTGRESQL})
    assert settings.database_url == POSTGRESQL
    assert "canary" not in repr(settings) + str(settings)
    assert {"canary@base", "canary%40base", "canary-query"} <= set(settings.secret_values())


def test_lists_are_read_with_blanks_and_the_newest_key_first() -> None:
    keys = {
        "secret_keys": f" {'n' * 32} , {'o' * 32},",
        "vidu_api_key": "new, old",
        "vidu_base_url": "https://a, https://b",
    }
    settings = load(None, **{**GOOD, **keys})
    assert [key.get_secret_value()[0] for key in settings.secret_keys] == ["n", "o"]
    assert settings.accounts()["vidu"].api_keys == ("new", "old")
    assert settings.accounts()["vidu"].base_urls == ("https://a", "https://b")


def test_settings_come_from_the_environment_and_win_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("\n".join(f"{name.upper()}={value}" for name, value in GOOD.items()) + "\nPORT=1\nLOG_LEVEL=\n")
    monkeypatch.setenv("PORT", "2")
    settings = load(file)
    assert (settings.port, settings.log_level) == (2, "INFO")


@pytest.mark.parametrize(
    "name", ["kkiai_query_path", "kkiai_cancel_path", "powertokens_query_path", "powertokens_cancel_path"]
)
@pytest.mark.parametrize(
    "path",
    ["v2/tasks/{id}", "/v2/tasks", "/v2/{id}/{id}", "/v2/{task}", "https://canary.example/{id}", "/v2/{id}?a=canary"],
)
def test_a_path_that_does_not_hold_the_id_once_is_refused_without_being_shown(name: str, path: str) -> None:
    [problem] = problems(**{name: path})
    assert problem.startswith(f"{name.upper()} must begin with / and hold {{id}} once")
    assert "canary" not in problem


def test_paths_reach_the_vendor_they_are_set_for() -> None:
    paths = {
        "kkiai_query_path": "/a/{id}",
        "kkiai_cancel_path": "/a/{id}/cancel",
        "powertokens_query_path": "/b/{id}, /c/{id}",
        "powertokens_cancel_path": "/b/{id}/stop",
    }
    keys = {"kkiai_api_key": "one", "powertokens_api_key": "two"}
    accounts = load(None, **{**GOOD, **keys, **paths}).accounts()
    assert (accounts["kkiai"].query_paths, accounts["kkiai"].cancel_path) == (("/a/{id}",), "/a/{id}/cancel")
    assert accounts["powertokens"].query_paths == ("/b/{id}", "/c/{id}")
    assert accounts["powertokens"].cancel_path == "/b/{id}/stop"
    assert (accounts["vidu"].query_paths, accounts["vidu"].cancel_path) == ((), "")


@pytest.mark.parametrize("name", NAMES)
def test_each_vendor_with_a_key_has_an_account_and_its_key_is_told_to_the_censor(name: str) -> None:
    settings = load(None, **{**GOOD, "vidu_api_key": "", f"{name}_api_key": f"canary-{name}"})
    assert [*settings.accounts()] == [name]
    assert settings.accounts()[name].api_keys == (f"canary-{name}",)
    assert f"canary-{name}" in settings.secret_values()
    assert "canary" not in repr(settings)
