"""What a team writes first: plain Celery, the official SDK, no checkpoint, no caps. The baseline of the benchmark.

Three model calls and two tool calls a ticket, one client a process, results ignored.
"""

import json
import os
from functools import cache
from typing import Any

from anthropic import Anthropic
from celery import Celery
from redis import Redis

from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

app = Celery("naive", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_default_queue="naive",
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
)


@cache
def client() -> Anthropic:
    return Anthropic(max_retries=0)


@cache
def counter() -> "Redis":
    return Redis.from_url(os.environ["BENCH_REDIS_URL"])


@cache
def prompt() -> tuple[str, list[dict[str, Any]]]:
    taxonomy = load_taxonomy(sample.path("taxonomy.yaml"))
    labels = "\n".join(f"- {label.name} ({label.team}): {label.description}" for label in taxonomy.labels)
    search = {
        "name": "search_knowledge_base",
        "description": "Search the knowledge base.",
        "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    }
    similar = {"name": "find_similar_tickets", "description": "Similar tickets.", "input_schema": {"type": "object"}}
    submit = {"name": "submit_decision", "description": "Decide.", "input_schema": {"type": "object"}}
    return f"You route support tickets.\n{labels}", [search, similar, submit]


@app.task(name="naive.triage")
def triage(ticket: dict[str, Any]) -> None:
    system, tools = prompt()
    body = f"<ticket><subject></subject><body>{ticket['body']}</body></ticket>"
    messages: list[dict[str, Any]] = [{"role": "user", "content": body}]
    for _ in range(8):
        reply = client().messages.create(
            model="claude-haiku-5-5",
            max_tokens=1024,
            system=system,
            tools=tools,  # type: ignore[arg-type]
            messages=messages,  # type: ignore[arg-type]
            metadata={"user_id": ticket["id"]},
        )
        messages.append({"role": "assistant", "content": [block.model_dump() for block in reply.content]})
        asked = [block for block in reply.content if block.type == "tool_use"]
        if any(block.name == "submit_decision" for block in asked):
            break
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": json.dumps([])} for block in asked]
        messages.append({"role": "user", "content": results})
    counter().incr("naive:done")
