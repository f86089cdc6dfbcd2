"""/v1/health for people and for whatever restarts servers, /metrics for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from anymask.serve.routes.asking import PROBLEMS, Work
from anymask.serve.schemas import Health

router = APIRouter(tags=["health"], responses=PROBLEMS)


@router.get("/v1/health")
async def health(work: Work) -> Health:
    """That the server answers, and what it runs."""
    # In no thread: those may all wait for a disk
    return Health(**work.health())


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format"}},
)
def metrics(request: Request) -> Response:
    """Counts and times for Prometheus."""
    return Response(generate_latest(request.app.state.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
