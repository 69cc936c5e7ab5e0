"""A bot without a library: bare REST calls and a bare gateway socket, to see the stand-in's own answers."""

import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from sandbox.discord import Discord

TOKEN = "secret-of-the-bot"
Answer = tuple[int, Any]

VIDEO: dict[str, Any] = {
    "type": 1,
    "name": "video",
    "description": "Make a video",
    "options": [
        {"type": 3, "name": "prompt", "description": "What", "required": True, "max_length": 20},
        {"type": 11, "name": "image", "description": "A picture"},
        {"type": 3, "name": "provider", "description": "Who", "autocomplete": True},
        {"type": 4, "name": "length", "description": "Seconds", "min_value": 1, "max_value": 20},
        {"type": 3, "name": "ratio", "description": "Shape", "choices": [{"name": "Wide", "value": "16:9"}]},
    ],
}


class Clock:
    """Real time that a test can move forward."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.time() + self.shift

    def forward(self, seconds: float) -> None:
        self.shift += seconds


class RawBot:
    """Bare calls with the bot's token."""

    def __init__(self, stand_in: Discord, session: aiohttp.ClientSession) -> None:
        self.stand_in = stand_in
        self.session = session
        self.headers: dict[str, str] = {}

    async def call(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> Answer:
        async with self.session.request(
            method, self.stand_in.api_url + path, json=body, headers={"Authorization": f"Bot {token}"}
        ) as response:
            return await self._read(response)

    async def send_files(self, method: str, path: str, body: Any, files: Mapping[str, bytes]) -> Answer:
        form = aiohttp.FormData()
        form.add_field("payload_json", json.dumps(body), content_type="application/json")
        for number, (name, data) in enumerate(files.items()):
            form.add_field(f"files[{number}]", data, filename=name, content_type="application/octet-stream")
        headers = {"Authorization": f"Bot {TOKEN}"}
        async with self.session.request(method, self.stand_in.api_url + path, data=form, headers=headers) as response:
            return await self._read(response)

    async def post(self, channel: int, **body: Any) -> Answer:
        return await self.call("POST", f"/channels/{channel}/messages", body)

    async def register(self, *commands: dict[str, Any]) -> Answer:
        return await self.call("PUT", f"/applications/{self.stand_in.bot.id}/commands", list(commands))

    async def answer(self, typed: Any, kind: int, **data: Any) -> Answer:
        path = f"/interactions/{typed.id}/{typed.token}/callback?with_response=1"
        return await self.call("POST", path, {"type": kind, "data": data})

    def hook(self, typed: Any, rest: str = "") -> str:
        return f"/webhooks/{self.stand_in.bot.id}/{typed.token}{rest}"

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        self.headers = dict(response.headers)
        text = await response.text()
        return response.status, json.loads(text) if response.content_type == "application/json" else text or None


class RawSession:
    """A bare gateway socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen = 0

    async def frame(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self.socket.receive_json(timeout=5)
        self.seen = frame["s"] or self.seen
        return frame

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def closed_with(self) -> int | None:
        message = await self.socket.receive(timeout=5)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), message
        return self.socket.close_code

    @classmethod
    async def open(cls, bot: RawBot) -> "RawSession":
        socket = await bot.session.ws_connect(bot.stand_in.gateway_url)
        session = cls(socket)
        assert (await session.frame())["op"] == 10
        return session

    @classmethod
    async def identify(cls, bot: RawBot, **more: Any) -> tuple["RawSession", dict[str, Any]]:
        session = await cls.open(bot)
        await session.send(2, {"token": TOKEN, "intents": 1, "properties": {}} | more)
        ready = await session.frame()
        assert ready["t"] == "READY"
        return session, ready["d"]
