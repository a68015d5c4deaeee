"""The HTTP application: one router a file, errors as problem documents, the guard around all of it."""

from collections.abc import Iterable

from fastapi import FastAPI

from service.api import changes, documented, explain, failures, health, incidents, page, problem, streams, timeline, top
from service.api.guard import Guard
from service.api.listening import OurNames
from service.metrics import version
from service.view import View


def create_app(
    view: View,
    *,
    listen_host: str = "127.0.0.1",
    token: str | None = None,
    allowed_hosts: Iterable[str] = (),
) -> FastAPI:
    """The whole API over ``view``.

    ``allowed_hosts`` are further names in Host headers (``service.names``); with a ``token`` everything but the page's
    frame and the probes asks for it.
    """
    app = FastAPI(
        title="handspike",
        summary="Which hop broke TLS first, for which host, why, and where the fix belongs.",
        description=(
            "Times are RFC 3339 (answers always in UTC) or, in questions, relative: `now`, `-15m`, `-1h`, `-7d`. "
            'Lists are `{"items": [...], "next": cursor or null}`; give `next` back as `cursor`. '
            "Errors are `application/problem+json` (RFC 9457)."
        ),
        version=version(),
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        openapi_tags=[
            {"name": "incidents", "description": "What broke, where first, and what to do."},
            {"name": "data", "description": "Counts and records behind it."},
            {"name": "service", "description": "How handspike itself is doing."},
        ],
    )
    app.state.view = view
    problem.install(app)
    routers = [part.router for part in (health, streams, incidents, timeline, failures, top, changes, explain)]
    for router in (*routers, page.router):
        app.include_router(router)
    documented.complete(app, routers)
    app.add_middleware(Guard, names=OurNames(listen_host, allowed_hosts), token=token)
    return app
