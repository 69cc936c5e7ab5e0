"""What holds for every test: generated input is never judged by how fast the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine",
    deadline=None,
    # All examples of a test share its fixtures: a test of generated input must not count on a fresh one for each.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")
