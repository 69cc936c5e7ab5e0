"""What holds for every test: generated input is never judged by how fast the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],  # fixtures here hold no state
)
settings.load_profile("any machine")
