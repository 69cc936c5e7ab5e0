"""The settings, from the environment or `.env`: read once at start, all problems told at once, secrets never shown."""

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from jobs.hosts import Hosts
from jobs.keeping import LEAST_MEDIA
from providers.contract import Account
from providers.registry import NAMES
from storage.database import address_problem, passwords_of

_KEY_LENGTH = 32
_LEAST_WEBHOOK_KEY, _MOST_WEBHOOK_KEY = 16, 128  # bytes; the Standard Webhooks ask for 24 to 64
_NO_ADDRESS = "must be an address such as https://rushes.example.org, without blanks, ? or #"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def _split(value: object) -> object:
    """Read a comma-separated list; blanks do not count."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _fit_for_headers(key: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]*", key.get_secret_value()):
        raise ValueError("must be copied whole and alone: there is a blank, a line break or a letter that no key has")
    return key


def _usable(address: str) -> str:
    """Check an address of a web server; a slash at its end goes."""
    try:
        parts = urlsplit(address)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(_NO_ADDRESS) from None  # the text of the first one quotes it
    if not whole or re.search(r"[?#\s\x00-\x1f\x7f]", address):
        raise ValueError(_NO_ADDRESS)
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must begin with https:// (http is for this machine alone)")
    return address.rstrip("/")


def _path_of_a_task(path: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*\{id\}[A-Za-z0-9._~/-]*", path):
        raise ValueError("must begin with / and hold {id} once where the task's id goes, such as /v2/tasks/{id}")
    return path


def _host(name: str) -> str:
    """Check the end of a host's name; a star or a dot before it says nothing more."""
    suffix = name.lower().removeprefix("*").removeprefix(".")
    if not re.fullmatch(
        r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])", suffix
    ):
        raise ValueError("must hold names of hosts, such as cdn.example.com, without https:// and without a path")
    return suffix


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]


class BadSettings(Exception):  # noqa: N818 -- says what the settings are
    """The settings cannot be used; `problems` holds a sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """Everything that can be set. The names are the environment's, in capitals; `.env.example` explains each."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    discord_token: SecretStr
    discord_api_url: str = "https://discord.com/api/v10"
    public_url: str
    host: str = "0.0.0.0"  # noqa: S104 -- a server in a container must listen on every address
    port: int = Field(default=8080, ge=0, le=65535)
    database_url: str = Field(default="sqlite+aiosqlite:///data/rushes.db", repr=False)  # may hold a password
    media_dir: Path = Path("data/media")
    secret_keys: Secrets

    futurelabs_api_key: Secrets = ()
    futurelabs_base_url: Texts = ()
    futurelabs_result_hosts: Texts = ()
    futurelabs_callback_signature: Literal["", "vidu"] = ""
    vidu_api_key: Secrets = ()
    vidu_base_url: Texts = ()
    vidu_result_hosts: Texts = ()
    kkiai_api_key: Secrets = ()
    kkiai_base_url: Texts = ()
    kkiai_result_hosts: Texts = ()
    kkiai_query_path: Texts = ()
    kkiai_cancel_path: str = ""
    kkiai_callback_signature: Literal["", "vidu"] = ""
    powertokens_api_key: Secrets = ()
    powertokens_base_url: Texts = ()
    powertokens_result_hosts: Texts = ()
    powertokens_query_path: Texts = ()
    powertokens_cancel_path: str = ""
    powertokens_callback_signature: Literal["", "vidu"] = ""
    apiframe_api_key: Secrets = ()
    apiframe_base_url: Texts = ()
    apiframe_result_hosts: Texts = ()
    kling_api_key: Secrets = ()
    kling_access_key: SecretStr = SecretStr("")
    kling_secret_key: SecretStr = SecretStr("")
    kling_webhook_secret: Secrets = ()
    kling_base_url: Texts = ()
    kling_result_hosts: Texts = ()

    allowed_private_hosts: Texts = ()
    callback_grace: int = Field(default=120, ge=1, le=86_400)  # seconds
    outside_daily_credits: int = Field(default=0, ge=0, le=1_000_000_000)  # of each person, outside of servers
    keep_words_days: int = Field(default=90, ge=0, le=36_500)
    keep_callbacks_days: int = Field(default=30, ge=0, le=36_500)
    keep_media_days: int = Field(default=LEAST_MEDIA, ge=0, le=36_500)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"

    @field_validator("public_url", "discord_api_url")
    @classmethod
    def _address(cls, value: str) -> str:
        return _usable(value)

    @field_validator(*(f"{name}_base_url" for name in NAMES))
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_usable(address) for address in value)

    @field_validator(*(f"{name}_result_hosts" for name in NAMES))
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_host(name) for name in value)

    @field_validator("keep_media_days")
    @classmethod
    def _links_are_good(cls, value: int) -> int:
        if 0 < value < LEAST_MEDIA:
            raise ValueError(f"must be 0 or at least {LEAST_MEDIA}: links to files are good for a week")
        return value

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not value or any(len(key.get_secret_value()) < _KEY_LENGTH for key in value):
            raise ValueError(
                f"must hold at least one key of {_KEY_LENGTH} characters or more; make one with: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        problem = address_problem(value)
        if problem is not None:
            raise ValueError(problem)
        return value

    @field_validator("discord_token", "kling_access_key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        return _fit_for_headers(value)

    @field_validator(*(f"{name}_api_key" for name in NAMES))
    @classmethod
    def _keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(_fit_for_headers(key) for key in value)

    @field_validator("kkiai_query_path", "powertokens_query_path")
    @classmethod
    def _paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_path_of_a_task(path) for path in value)

    @field_validator("kkiai_cancel_path", "powertokens_cancel_path")
    @classmethod
    def _path(cls, value: str) -> str:
        return _path_of_a_task(value) if value else value

    @field_validator("kling_secret_key")
    @classmethod
    def _signs_tokens(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            return value
        from jwt.algorithms import HMACAlgorithm  # noqa: PLC0415 -- 2 MB, for accounts with a secret key alone
        from jwt.exceptions import InvalidKeyError  # noqa: PLC0415

        try:  # as the vendor's adapter will, for each token
            HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(value.get_secret_value())
        except InvalidKeyError:
            raise ValueError("must be the secret key next to the access key, and no certificate or key file") from None
        return value

    @field_validator("kling_webhook_secret")
    @classmethod
    def _verifies_callbacks(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            try:
                key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
            except ValueError:
                key = b""
            if not _LEAST_WEBHOOK_KEY <= len(key) <= _MOST_WEBHOOK_KEY:
                raise ValueError("must be copied whole from Kling's console: whsec_ and base64 after it")
        return value

    @field_validator("allowed_private_hosts")
    @classmethod
    def _pairs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pair in value:
            host, _, port = pair.rpartition(":")
            if not host or not re.fullmatch("[0-9]{1,5}", port):
                raise ValueError(f"must hold host:port pairs; {pair!r} is none")
        return value

    def private_hosts(self) -> frozenset[tuple[str, int]]:
        """List the private addresses the guarded client may reach all the same."""
        pairs = (pair.rpartition(":") for pair in self.allowed_private_hosts)
        return frozenset((host, int(port)) for host, _, port in pairs)

    def result_hosts(self) -> Hosts:
        """Say from which hosts results are fetched."""
        chosen = {name: getattr(self, f"{name}_result_hosts") for name in NAMES}
        return Hosts(chosen, self.private_hosts())

    def accounts(self) -> dict[str, Account]:
        """List the vendors that have a key, with all we need to be their customer."""
        found = self.customers()
        return {name: account for name, account in found.items() if account.api_keys or account.access_key}

    def customers(self) -> dict[str, Account]:
        """Say of every vendor how we would be its customer, with a key or without."""
        return {name: self._account(name) for name in NAMES}

    def terms(self) -> dict[str, Account]:
        """Say of every vendor how one is its customer here, whosesoever key it is."""
        none: dict[str, Any] = {"api_keys": (), "access_key": "", "secret_key": "", "webhook_secrets": ()}
        return {name: replace(account, **none) for name, account in self.customers().items()}

    def _account(self, name: str) -> Account:
        def secret(field: str) -> str:
            value: SecretStr | None = getattr(self, f"{name}_{field}", None)
            return value.get_secret_value() if value else ""

        def secrets(field: str) -> tuple[str, ...]:
            values: tuple[SecretStr, ...] = getattr(self, f"{name}_{field}", ())
            return tuple(value.get_secret_value() for value in values)

        return Account(
            api_keys=secrets("api_key"),
            access_key=secret("access_key"),
            secret_key=secret("secret_key"),
            webhook_secrets=secrets("webhook_secret"),
            base_urls=getattr(self, f"{name}_base_url", ()),
            callback_signature=getattr(self, f"{name}_callback_signature", ""),
            query_paths=getattr(self, f"{name}_query_path", ()),
            cancel_path=getattr(self, f"{name}_cancel_path", ""),
        )

    def secret_values(self) -> tuple[str, ...]:
        """List every secret in the clear, for the log's censor."""
        found = [*passwords_of(self.database_url)]
        for name in type(self).model_fields:
            value: SecretStr | tuple[object, ...] | None = getattr(self, name)
            many = value if isinstance(value, tuple) else (value,)
            found += [one.get_secret_value() for one in many if isinstance(one, SecretStr)]
        return tuple(secret for secret in found if secret)


def load(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Read the settings. Raise BadSettings with every problem, in words."""
    problems: list[str] = []
    unread: set[str] = set()
    try:
        settings = _read(env_file, overrides)
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors()]
        unread = {str(problem["loc"][0]) for problem in error.errors()}
        settings = _read(env_file, {**overrides, **{name: _stand_in(name) for name in unread}})
    except (OSError, UnicodeDecodeError):
        raise BadSettings([f"{env_file} cannot be read: it must be a text in UTF-8 that this user may open"]) from None
    problems += _across(settings, unread)
    if problems:
        raise BadSettings(problems)
    return settings


def _read(env_file: Path | None, overrides: Mapping[str, Any]) -> Settings:
    return Settings(_env_file=env_file, **overrides)  # pyright: ignore[reportCallIssue] -- pydantic-settings' own argument


def _stand_in(name: str) -> Any:
    """Give a value for a setting that cannot be read, so that the others can be looked at together."""
    field = Settings.model_fields[name]
    return _STAND_INS[name] if field.is_required() else field.default


_STAND_INS = {"discord_token": "none", "public_url": "https://rushes.example.org", "secret_keys": "-" * _KEY_LENGTH}
_MISSING = {
    "discord_token": "copy it from the Bot page of your application in Discord's developer portal",
    "public_url": "the https address under which vendors and Discord's viewers reach this program",
    "secret_keys": "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
}


def _sentence(problem: Mapping[str, Any]) -> str:
    """Say one thing that is wrong, never with the value that was given."""
    field = str(problem["loc"][0])
    if problem["type"] == "missing":
        return f"{field.upper()} is missing: {_MISSING.get(field, 'see .env.example')}"
    said = str(problem["msg"]).removeprefix("Value error, ")
    return f"{field.upper()} {said if said.startswith('must') else 'is not usable: ' + said}"


def _across(settings: Settings, unread: Collection[str]) -> list[str]:
    """Find what is wrong between settings, as far as those it takes could be read."""
    pair = {"kling_access_key", "kling_secret_key"}
    if not pair & {*unread}:
        access, secret = settings.kling_access_key.get_secret_value(), settings.kling_secret_key.get_secret_value()
        if bool(access) != bool(secret):
            return ["KLING_ACCESS_KEY and KLING_SECRET_KEY belong together: set both, or KLING_API_KEY instead"]
    return []
