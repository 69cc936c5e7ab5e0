"""What follows from an event beyond the table: deliveries that nothing else would make due."""

from jobs.life import happen
from jobs.transitions import Event
from storage import deliveries
from storage.words import DeliveryState
from tests.jobs.lab import Lab


async def test_a_success_without_any_file_is_told_and_does_not_wait_for_one(lab: Lab) -> None:
    job = await lab.taken()
    assert await happen(lab.ctx, job.id, Event.SUCCEEDED) is not None
    delivery = await lab.ctx.database.read(deliveries.of_job, job.id)
    assert delivery is not None
    assert delivery.state is DeliveryState.DUE
