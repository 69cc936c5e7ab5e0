"""No server at all: a fixed answer to whatever comes. Shows how much the load generator can do."""

import asyncio
import sys
from typing import cast

from benchmarks.peers.serve import run

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nok"


class Answer(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = cast("asyncio.Transport", transport)  # asyncio's signature is wider than its promise

    def data_received(self, data: bytes) -> None:
        """Answer without a look at it: each request comes in one piece, and none before the last was answered."""
        del data
        self.transport.write(ANSWER)


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    run(main(int(sys.argv[1])))
