"""What holds for every test: nothing is judged by how fast the machine is, and logs read as the program's do."""

from collections.abc import Generator

import pytest
import structlog
from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine",
    deadline=None,
    # All examples of a test share its fixtures: a test of generated input must not count on a fresh one for each.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def plain_log() -> Generator[None]:
    """Log tracebacks without local variables, as the program does: writing those out holds a loop up for a second."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, renderer])
    yield
    structlog.reset_defaults()
