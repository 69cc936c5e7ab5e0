"""The receiver as a fixture, as in its own tests."""

from tests.webhooks.conftest import receiver

__all__ = ["receiver"]
