"""Local stand-ins for the video vendors: real HTTP, real signatures, real MP4 files, and faults on request."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aiohttp import web

from sandbox.vendors.apiframe import APIFRAME
from sandbox.vendors.behaviour import Behaviour
from sandbox.vendors.book import Call, SentCallback, Task, Tell, VendorKeys, ignore
from sandbox.vendors.control import control_routes
from sandbox.vendors.desk import recorder, submit
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.files import serve_file
from sandbox.vendors.futurelabs import FUTURELABS
from sandbox.vendors.futurelabs_kling import FUTURELABS_KLING
from sandbox.vendors.futurelabs_mv import FUTURELABS_MV
from sandbox.vendors.kkiai import KKIAI
from sandbox.vendors.kling import KLING
from sandbox.vendors.powertokens import POWERTOKENS
from sandbox.vendors.render import Studio
from sandbox.vendors.vendor import Vendor
from sandbox.vendors.vidu import VIDU

__all__ = [
    "DIALECTS",
    "Behaviour",
    "Call",
    "SentCallback",
    "Studio",
    "Task",
    "Tell",
    "Vendor",
    "VendorKeys",
    "ignore",
    "start_vendor",
]

# A vendor whose API speaks differently in parts has several dialects; the first is that of its main part.
DIALECTS: dict[str, tuple[Dialect, ...]] = {
    "futurelabs": (FUTURELABS, FUTURELABS_MV, FUTURELABS_KLING),
    "vidu": (VIDU,),
    "kling": (KLING,),
    "kkiai": (KKIAI,),
    "powertokens": (POWERTOKENS,),
    "apiframe": (APIFRAME,),
}
MOST_BYTES = 64 * 1024 * 1024  # of a request, above what any vendor takes: their own limits answer first


async def start_vendor(
    name: str,
    *,
    keys: VendorKeys,
    workdir: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    pace: float = 0.05,
    clock: Callable[[], float] = time.time,
    tell: Tell = ignore,
    studio: Studio | None = None,
) -> Vendor:
    """Start the stand-in of one of DIALECTS; pace is seconds per state, files go under workdir.

    Give one Studio to several stand-ins to share rendered films and the limit on concurrent rendering.
    """
    vendor = Vendor(DIALECTS[name], keys, studio or Studio(workdir / "films"), pace, clock, tell)
    app = web.Application(middlewares=[recorder(vendor)], client_max_size=MOST_BYTES)
    for dialect in vendor.dialects:
        for path, operation in dialect.submits.items():
            app.router.add_post(path, partial(submit, vendor, operation))
        app.add_routes(dialect.routes(vendor))
    app.router.add_get("/cdn/{token}/{name}", partial(serve_file, vendor))
    app.add_routes(control_routes(vendor))
    await vendor.listen(app, host, port)
    return vendor
