"""Chooses the author that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.choices import Provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.settings import Settings
    from llm.calls import Author
    from llm.cluster import Cluster
    from llm.learned import Memory


def create_author(
    settings: Settings,
    *,
    cluster: Callable[[], Cluster] | None = None,
    memory: Callable[[], Memory] | None = None,
) -> Author:
    """Return the author that LLM_PROVIDER names; nothing is connected before its first call.

    Args:
        settings: Who writes, where, and within which limits.
        cluster: Makes what this process shares with others about the provider, for each event
            loop. The sample author asks nobody and needs none.
        memory: Makes what keeps over restarts how the server wants to be asked.

    Raises:
        SettingsError: LLM_BASE_URL is not an http or https address.
    """
    # Only the author in use is imported: an HTTP client takes a quarter of a second.
    if settings.llm_provider is Provider.SAMPLE:
        from llm.sample import SampleAuthor

        return SampleAuthor(settings)
    from llm.openai_compatible import OpenAIAuthor

    return OpenAIAuthor(settings, cluster=cluster, memory=memory() if memory else None)
