"""Knowledge base search, for a model that wants to know how such cases are handled."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tasks.run.tool import ToolContext, tool
from tasks.tools._views import article_view
from tasks.tools.ports import KnowledgeBase

RESULTS = 5


class SearchArguments(BaseModel):
    """What to look for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Annotated[
        str, StringConstraints(min_length=2, max_length=200), Field(description="A few words, in plain language.")
    ]


@tool(timeout_seconds=2.0, calls_per_run=3)
async def search_knowledge_base(
    arguments: SearchArguments,
    context: ToolContext,  # noqa: ARG001 - the tool shape
    *,
    knowledge: KnowledgeBase,
) -> list[dict[str, Any]]:
    """Search the knowledge base: which team handles a case, and what tells similar labels apart. Best first."""
    found = await knowledge.search(arguments.query, RESULTS)
    return [article_view(article) for article in found[:RESULTS]]
