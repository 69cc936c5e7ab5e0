"""Whatever Futurelabs, or somebody in its name, says of a music video: it is read or not understood."""

import contextlib
import json
from dataclasses import replace

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.contract import NotUnderstood, Progress, ProviderError, Task
from providers.futurelabs import Futurelabs
from providers.orders import Operation
from tests.providers.lab import Vendor, reply
from tests.providers.orders import ACCOUNT

STRANGE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["1", "2", "success", "failed", "processing", "https://x.example/v.mp4", "UserCancelled"])
)


def told(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Make objects with some of these fields, each as it should be or strange."""
    return st.fixed_dictionaries({}, optional={name: value | STRANGE for name, value in fields.items()})


TYPES = st.sampled_from(["mv", "generate_video", "compose"])
STATES = st.sampled_from(["created", "processing", "success", "failed"])
LINKS = st.just("https://x.example/v.mp4")
TIMES = st.sampled_from(["2026-03-01T08:00:00Z", "2026-03-02T08:00:00.123456789Z"])
IDS = st.sampled_from(["1", "2", "3", 4])
JOBS = told(
    id=IDS,
    type=TYPES,
    state=STATES,
    signed_url=LINKS,
    created_at=TIMES,
    err_code=st.text(),
    mv_generate_video_input=told(duration=st.floats(), prompt=st.text()),
)
RECORDS = told(type=TYPES, index=st.integers(), jobs=st.lists(JOBS | STRANGE, max_size=3))
FILMS = told(
    id=IDS, type=TYPES, state=STATES, signed_url=LINKS, err_msg=st.text(), job_records=st.lists(RECORDS, max_size=3)
)


@pytest.fixture
async def futurelabs(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    return Futurelabs(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


@given(film=FILMS)
def test_any_callback_is_read_or_not_understood(futurelabs: Futurelabs, film: dict[str, object]) -> None:
    with contextlib.suppress(NotUnderstood):
        status = futurelabs.read_callback(json.dumps(film).encode())
        assert status.task_id
        assert (status.reason is not None) == (status.progress is Progress.FAILED)
        assert bool(status.outputs) == (status.progress is Progress.SUCCEEDED)
        assert len(status.detail) <= 300
        assert all(shot.id and (shot.seconds is None or shot.seconds > 0) for shot in status.shots)


@settings(max_examples=60)
@given(
    film=FILMS,
    operation=st.sampled_from([Operation.MUSIC_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS]),
    task_id=st.sampled_from(
        ["1", "1:2:3:job", "1:2:~2:job", "1:compose:3:job", "1:compose:~:job", "1:compose:~3:job", "a:b:c"]
    ),
)
async def test_any_answer_is_a_status_or_an_open_question(
    futurelabs: Futurelabs, vendor: Vendor, film: dict[str, object], operation: Operation, task_id: str
) -> None:
    vendor.answers = [reply(200, film)]
    with contextlib.suppress(ProviderError):
        status = await futurelabs.query(Task(task_id, operation, "job-1"))
        assert operation is Operation.MUSIC_VIDEO or status.task_id == task_id
        assert (status.reason is not None) == (status.progress is Progress.FAILED)
        assert bool(status.outputs) == (status.progress is Progress.SUCCEEDED)
        assert (status.prompt, status.model) == (None, None)
