"""`anymask serve` as a Ray Serve deployment: replicas of one app over one data folder.

    pip install 'anymask[serve,batch]'
    ANYMASK_DATA=work python deploy/ray_serve.py

On a cluster that runs, `serve run --working-dir deploy ray_serve:app` does the same; all replicas must then be on one
machine, as docs/scaling.md tells.

Environment: ANYMASK_DATA the data folder, ANYMASK_PORT where it listens on this machine, ANYMASK_REPLICAS how many,
ANYMASK_THREADS of each one's network, ANYMASK_HOSTS names of this server beside loopback ones, separated by commas,
ANYMASK_TOKEN what each request must carry.
"""

import os
from pathlib import Path

import ray
from fastapi import FastAPI
from ray import serve

HOST = "127.0.0.1"  # a proxy that speaks TLS goes in front; who else listens needs ANYMASK_TOKEN


def build() -> FastAPI:
    """The app of one replica, made where it runs: neither a database nor a network travels."""
    from anymask.segment import Segmenter
    from anymask.serve.app import create_app
    from anymask.serve.settings import ServeSettings

    settings = ServeSettings(
        Path(os.environ["ANYMASK_DATA"]),
        token=os.environ.get("ANYMASK_TOKEN", ""),
        hosts=tuple(name for name in os.environ.get("ANYMASK_HOSTS", "").split(",") if name),
    )
    return create_app(settings, Segmenter(threads=int(os.environ.get("ANYMASK_THREADS", "1"))))


app = (
    serve.deployment(serve.ingress(build)())
    .options(
        name="replica",
        num_replicas=int(os.environ.get("ANYMASK_REPLICAS", "2")),
        max_ongoing_requests=300,  # above what the app lets wait and listen: it refuses with a word of its own
        ray_actor_options={"num_cpus": 0.5},
        graceful_shutdown_timeout_s=10,
    )
    .bind()
)


def main() -> None:
    """Start Ray on this machine, serve, and stay until interrupted."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray tells nobody that it is used
    os.environ["ANYMASK_DATA"] = str(Path(os.environ.get("ANYMASK_DATA", "anymask-data")).absolute())
    ray.init(include_dashboard=False)
    serve.start(http_options={"host": HOST, "port": int(os.environ.get("ANYMASK_PORT", "8642"))})
    serve.run(app, name="anymask", blocking=True)


if __name__ == "__main__":
    main()
