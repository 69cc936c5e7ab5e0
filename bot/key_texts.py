"""What is said about servers' own keys: in the panel, after each act, and where admins are told. Holds no key."""

from bot.language import _
from storage.words import Alert, AlertKind, Job

OF_KEYS = {AlertKind.CREDIT, AlertKind.ACCESS, AlertKind.KEY}


def alert_of(alert: Alert, title: str, job: Job) -> str:
    """Say what is wrong with a key that an admin of the server typed, and what to do about it."""
    match alert.kind:
        case AlertKind.CREDIT:
            text = _(
                "**This server's own account at {vendor} is out of credits**, so it refuses what members ask for "
                "(first job {code}). Add credits there; until then members can name another provider. "
                "Nothing was spent."
            )
        case AlertKind.ACCESS:
            text = _(
                "**{vendor} does not let this server's own key in** (first job {code}). Look at the key in your "
                "account there, then type it again with `/setup`, page “Vendor keys”. Jobs that were not taken yet "
                "cost nothing; those already made with it are asked about as long as they last."
            )
        case _:
            text = _(
                "**This server's own key at {vendor} can't be read any more** (first job {code}), so jobs wait and "
                "nothing is spent. Type it again with `/setup`, page “Vendor keys”, or ask whoever runs this bot "
                "whether its secret keys were changed."
            )
    return "⚠️ " + text.format(vendor=title, code=job.code)
