"""Many clients of one server at once."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Load:
    """What so many requests at once came to. refused: answers of 503, each of which was asked again."""

    answers: list[dict[str, Any]]
    refused: int = 0
    seconds: list[float] = field(default_factory=list)


async def all_at_once(address: str, requests: list[tuple[str, dict[str, Any]]], patience: float) -> Load:
    """POST every (path, JSON) at the same time, again after Retry-After where the server is busy."""
    load = Load([{}] * len(requests))
    limits = httpx.Limits(
        max_connections=len(requests), max_keepalive_connections=0
    )  # a new one each: none is closed just as it is used again
    until = time.monotonic() + patience
    async with httpx.AsyncClient(base_url=address, timeout=patience, limits=limits) as client:

        async def ask(number: int, path: str, body: dict[str, Any]) -> None:
            began = time.monotonic()
            while True:
                answer = await client.post(path, json=body)
                if answer.status_code == 200:
                    break
                assert answer.status_code == 503 and time.monotonic() < until, answer.text
                load.refused += 1
                await asyncio.sleep(int(answer.headers["Retry-After"]))
            load.answers[number] = answer.json()
            load.seconds.append(time.monotonic() - began)

        await asyncio.gather(*(ask(number, *each) for number, each in enumerate(requests)))
    return load
