"""The app: layers, routes, the editor's files, and what happens when it ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from anymask import __version__
from anymask.segment import Segmenter
from anymask.serve.answers import add_handlers
from anymask.serve.guard import Guard
from anymask.serve.metrics import Measured, Metrics
from anymask.serve.objects import ChangedMeanwhileError
from anymask.serve.routes import ROUTERS
from anymask.serve.routes.objects import conflict
from anymask.serve.schemas import Progress, prompt_schemas
from anymask.serve.settings import ServeSettings
from anymask.serve.workspace import Workspace

PAGE = "index.html"
EDITOR = Path(str(resources.files("anymask") / "serve" / "editor"))


class App(FastAPI):
    """FastAPI, whose OpenAPI also holds schemas that no route has: of prompts, and of what events tell."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            schemas = super().openapi()["components"]["schemas"]
            schemas.update(prompt_schemas(), Progress=Progress.model_json_schema())
        return super().openapi()


def create_app(settings: ServeSettings, segmenter: Segmenter) -> FastAPI:
    """The ASGI app of one server; it ends its work, and closes its database, when its lifespan ends.

    Raises SettingsError where the data folder cannot be used.
    """
    workspace = Workspace(settings, segmenter)
    metrics = Metrics(workspace)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(workspace.close)

    app = App(
        title="anymask",
        version=__version__,
        description="Segment anything in a picture by click, box or words.",
        docs_url=None,  # they would fetch scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        middleware=[Middleware(Guard, settings), Middleware(Measured, metrics)],
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
    )
    app.state.workspace, app.state.metrics, app.state.listeners = workspace, metrics, 0
    add_handlers(app)
    app.add_exception_handler(ChangedMeanwhileError, conflict)
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(editor_routes())
    return app


def editor_routes() -> list[BaseRoute]:
    """The editor's page at /, and its files: each by its name, so that no other address is taken for one of them."""
    if not EDITOR.is_dir():  # the API is of use without it
        return []
    files = StaticFiles(directory=EDITOR)

    async def file(request: Request) -> Response:
        return await files.get_response(request.url.path.lstrip("/") or PAGE, request.scope)

    entries = [each for each in sorted(EDITOR.iterdir()) if each.suffix != ".md"]
    names = ["", *(each.name for each in entries if each.is_file())]
    folders = [Mount(f"/{each.name}", StaticFiles(directory=each)) for each in entries if each.is_dir()]
    return [*(Route(f"/{name}", file) for name in names), *folders]
