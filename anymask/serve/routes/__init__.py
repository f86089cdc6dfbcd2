"""The addresses of the API, a file for each thing they are about, and one row for it in `ROUTERS`."""

from fastapi import APIRouter

from anymask.serve.routes import exports, health, images, objects, recipes, selecting

ROUTERS: tuple[APIRouter, ...] = (
    images.router,
    selecting.router,
    objects.router,
    exports.router,
    recipes.router,
    health.router,
)
