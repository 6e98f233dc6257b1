"""What `POST /v1/tickets` is measured against: FastAPI, pydantic and one trip to a Redis, and nothing else."""

import os
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from pydantic import BaseModel
from redis.asyncio import Redis


class Requester(BaseModel):
    """Who asks."""

    id: str | None = None
    email: str | None = None
    name: str | None = None


class Ticket(BaseModel):
    """As much of one as the bench sends."""

    source: str
    subject: str
    body: str
    requester: Requester | None = None


app = FastAPI()
redis: Any = Redis.from_url(os.environ["BARE_REDIS_URL"], decode_responses=True)


@app.post("/v1/tickets", status_code=202)
async def accept(ticket: Ticket) -> dict[str, str]:
    """Keep it as a row and line up its id, in one transaction."""
    ticket_id = uuid4().hex
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hset(f"t:{ticket_id}", mapping={"body": ticket.model_dump_json(), "state": "queued"})
        pipe.lpush("queue", ticket_id)
        await pipe.execute()
    return {"id": ticket_id, "state": "queued"}
