"""A vendor's results come from known hosts, from new ones with a line in the log, or not where the operator forbids."""

import pytest
import structlog

from jobs.hosts import Hosts, Opinion
from providers.registry import NAMES, RESULT_HOSTS

SHOWN = {"acme": ("cdn.acme.example",)}


@pytest.mark.parametrize(
    ("host", "chosen", "opinion"),
    [
        ("cdn.acme.example", (), Opinion.KNOWN),
        ("eu.cdn.acme.example", (), Opinion.KNOWN),
        ("EU.CDN.Acme.Example.", (), Opinion.KNOWN),
        ("cdn.acme.example", ("other.example",), Opinion.KNOWN),
        ("other.example", ("other.example",), Opinion.KNOWN),
        ("a.b.other.example", ("other.example",), Opinion.KNOWN),
        ("acme.example", (), Opinion.NEW),
        ("evilcdn.acme.example.evil.example", (), Opinion.NEW),
        ("evil-cdn.acme.example", ("other.example",), Opinion.NOT_ALLOWED),
        ("notother.example", ("other.example",), Opinion.NOT_ALLOWED),
        ("other.example.evil.example", ("other.example",), Opinion.NOT_ALLOWED),
        ("", ("other.example",), Opinion.NOT_ALLOWED),
    ],
)
def test_a_host_is_judged_by_the_end_of_its_name(host: str, chosen: tuple[str, ...], opinion: Opinion) -> None:
    assert Hosts({"acme": chosen}, shown=SHOWN).opinion("acme", host, 443) is opinion


def test_what_is_chosen_for_one_vendor_counts_for_no_other() -> None:
    hosts = Hosts({"acme": ("other.example",)}, shown=SHOWN)
    assert hosts.opinion("brand", "cdn.acme.example", 443) is Opinion.NEW
    assert hosts.opinion("brand", "other.example", 443) is Opinion.NEW


def test_an_allowed_private_pair_is_no_stranger_and_its_neighbour_is() -> None:
    hosts = Hosts({"acme": ("other.example",)}, [("127.0.0.1", 4000)], shown=SHOWN)
    assert hosts.allowed("acme", "127.0.0.1", 4000)
    assert not hosts.allowed("acme", "127.0.0.1", 4001)


def test_a_new_host_is_fetched_from_and_written_down_once_with_the_setting() -> None:
    hosts = Hosts(shown=SHOWN)
    with structlog.testing.capture_logs() as log:
        assert [hosts.allowed("acme", "new.example", 443) for _ in range(3)] == [True] * 3
        assert hosts.allowed("acme", "cdn.acme.example", 443)
    assert [(line["host"], line["to_allow_only_what_you_name"]) for line in log] == [
        ("new.example", "ACME_RESULT_HOSTS")
    ]


def test_a_vendor_that_names_a_new_host_each_time_fills_neither_log_nor_memory() -> None:
    hosts = Hosts(shown=SHOWN)
    with structlog.testing.capture_logs() as log:
        for number in range(1500):
            assert hosts.allowed("acme", f"h{number}.example", 443)
    assert len(log) == 1000


def test_every_vendor_says_what_is_known_of_its_hosts() -> None:
    assert set(RESULT_HOSTS) == set(NAMES)
    assert all(
        host == host.lower() and "." in host and not host.startswith(".")
        for hosts in RESULT_HOSTS.values()
        for host in hosts
    )
