"""Chooses the author that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.settings import Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from core.settings import Settings
    from workflow.llm.calls import Author


def create_author(
    settings: Settings, *, gate: Callable[[], Awaitable[None]] | None = None
) -> Author:
    """Return the author that LLM_PROVIDER names; nothing is connected before its first call.

    Args:
        settings: Who writes, where, and within which limits.
        gate: Awaited before each request to a provider, such as a rate limit over all processes.
            The sample author asks nobody and does not wait for it.

    Raises:
        SettingsError: LLM_BASE_URL is not an http or https address.
    """
    # Only the author in use is imported: the openai package alone takes about half a second.
    if settings.llm_provider is Provider.SAMPLE:
        from workflow.llm.sample import SampleAuthor

        return SampleAuthor(settings)
    from workflow.llm.openai_compatible import OpenAIAuthor

    return OpenAIAuthor(settings, gate=gate)
