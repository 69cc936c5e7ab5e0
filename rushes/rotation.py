"""`rushes doctor` on keys that are being changed: when an older one can be taken out of the settings."""

from collections.abc import Sequence

from bot.findings import Check, Grade, Line
from jobs import rotation
from jobs.accounts import Accounts
from jobs.rotation import Needed
from providers.registry import TITLES
from rushes.settings import Settings
from rushes.terminal import moment
from storage import Connection, Database, needs
from storage.needs import Need


def checks(database: Database, settings: Settings, now: int) -> list[Check]:
    """Look whether older keys are needed still."""
    secret_keys = [key.get_secret_value() for key in settings.secret_keys]

    def read(connection: Connection) -> tuple[list[Needed], list[Need]]:
        return rotation.needed(connection, secret_keys, now), needs.of_accounts(connection)

    async def look() -> list[Line]:
        older, open_jobs = await database.read(read)
        return [*map(_secret_key, older), *_vendor_keys(Accounts(settings.accounts()), open_jobs)]

    return [Check("Older keys", look)]


def _secret_key(one: Needed) -> Line:
    about = f"SECRET_KEYS, key {one.position}"
    if one.free:
        return Line(Grade.YELLOW, about, "Nothing needs it any more.", "Take it out of SECRET_KEYS.")
    uses = [
        f"{one.jobs} jobs whose vendors call back at addresses it signed" if one.jobs else "",
        f"{one.sealed} servers' own keys that it sealed" if one.sealed else "",
        f"links to files until {moment(one.links_until)} UTC" if one.links_until is not None else "",
    ]
    todo = "Run `rushes keys rotate`." if one.sealed else ""
    return Line(Grade.GREEN, about, f"Leave it in; it is needed for {', '.join(use for use in uses if use)}.", todo)


def _vendor_keys(accounts: Accounts, open_jobs: Sequence[Need]) -> list[Line]:
    waiting = {(one.provider, one.account): one.jobs for one in open_jobs}
    lines: list[Line] = []
    for vendor in accounts.vendors:
        setting, names = f"{vendor.upper()}_API_KEY", accounts.names(vendor)
        for position, name in enumerate(names[1:], 2):
            about, count = f"{TITLES[vendor]}, key {position}", waiting.get((vendor, name), 0)
            if count:
                lines.append(
                    Line(Grade.GREEN, about, f"Leave it in {setting}: {count} jobs made with it are not over.")
                )
            else:
                lines.append(Line(Grade.YELLOW, about, "No job needs it any more.", f"Take it out of {setting}."))
        lost = sum(count for (name, account), count in waiting.items() if name == vendor and account not in names)
        if lost:
            says = f"{lost} jobs that are not over were made with a key that is not set any more."
            todo = f"Put it back behind the newest in {setting}, unless both are of one account."
            lines.append(Line(Grade.YELLOW, TITLES[vendor], says, todo))
    return lines
