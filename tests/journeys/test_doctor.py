"""/doctor in the whole program: the callback goes round, every loop turns, each vendor is asked for its balance."""

import pytest

from tests.journeys.conftest import OpenStage


@pytest.mark.parametrize("vendor", ["vidu", "apiframe", "kkiai"])
async def test_the_whole_program_is_well(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.ada.permissions |= 1 << 5
    text = (await stage.ada.type(stage.channel, "/doctor", {}).answered(20)).text
    assert text.startswith("## ⚠️ It works, with 1 thing to look at"), text  # PUBLIC_URL has no TLS here
    assert "✅ **Callbacks**: A signed test callback went out to 127.0.0.1:" in text
    assert f"✅ **Queues**: All {len(stage.running.ctx.loops)} of them go round." in text
    assert len(stage.running.ctx.loops) >= 8
    assert f"✅ **{stage.running.ctx.providers[vendor].title}**" in text
