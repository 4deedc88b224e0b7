"""The doctor's questions about language model and web search: configured, there, at work?"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

from cli.findings import Finding, clean, is_placeholder
from core.errors import AppError, SettingsError

if TYPE_CHECKING:
    from core.settings import Settings
    from roadmaps.trial import Trial

_NAME: Final = "language model"
_LONGEST: Final = 100_000
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})


def check_provider(
    settings: Settings, *, call: bool = False, database_url: str | None = None
) -> list[Finding]:
    """Look whether the language model answers: really asked, not only configured.

    Args:
        settings: Which one.
        call: Let it write a roadmap of one concept, which costs a little, instead of only asking
            which models there are.
        database_url: Where it is kept what workers learned of it.
    """
    if settings.llm_provider == "sample":
        said = "sample author: works offline; set ROADMAP_LLM_PROVIDER=openai for real texts"
        return [Finding(name=_NAME, ok=True, message=said)]
    problem = what_is_missing(settings)
    if problem:
        return [Finding(name=_NAME, ok=False, message=problem, code="not_configured")]
    return _try(settings, database_url) if call else _ask_provider(settings)


def _key(settings: Settings) -> str:
    from llm.connection import key_meant

    return key_meant(settings.llm_api_key)


def what_is_missing(settings: Settings) -> str:
    """Say what the language model cannot be asked without; a placeholder is as good as nothing."""
    if settings.llm_provider == "sample":
        return ""
    from llm.presets import base_url_of, model_of, preset_of

    preset = preset_of(settings)
    try:
        values = {"LLM_BASE_URL": base_url_of(settings), "LLM_MODEL": model_of(settings)}
    except SettingsError as error:
        return error.message
    if preset.needs_key or not preset.base_url:
        values["LLM_API_KEY"] = _key(settings)
    for name, value in values.items():
        if not value and name == "LLM_API_KEY" and not preset.needs_key:
            continue  # nobody knows whether this server wants one: it will say so
        if is_placeholder(value):
            return f"ROADMAP_{name} is not configured" + (" (a placeholder)" if value else "")
    return ""


def _try(settings: Settings, database_url: str | None) -> list[Finding]:
    from cli.learned_before import LearnedBefore
    from llm.presets import base_url_of
    from roadmaps.trial import try_provider

    where = f"{settings.llm_model} at {base_url_of(settings)}"
    memory = LearnedBefore(settings, database_url=database_url) if database_url else None
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what the calls log
            trial = asyncio.run(try_provider(settings, memory=memory))
    except SettingsError as error:
        said = clean(f"{where} cannot be used: {error.message}", _key(settings))
        return [Finding(name=_NAME, ok=False, message=said, code=error.code)]
    return [_outcome(trial, where, settings), *_habits(trial, settings), *_price(trial, settings)]


def _outcome(trial: Trial, where: str, settings: Settings) -> Finding:
    if trial.error is not None:
        said = f"{where} cannot be used: {trial.error.message} (asked for: {trial.failed})"
        message = clean(said, _key(settings))
        return Finding(name=_NAME, ok=False, message=message, code=trial.error.code)
    manner = {True: ", streamed", False: ", not streamed", None: ""}[trial.streamed]
    usage = trial.usage
    cost = f"{usage.tokens} tokens" if usage.tokens else "tokens not told"
    said = (
        f"{where} wrote a small roadmap in {trial.seconds:.1f} s and {usage.calls} requests: "
        f"{trial.abilities.response_format.name.lower()}{manner}, {cost}"
    )
    return Finding(name=_NAME, ok=True, message=clean(said, _key(settings)))


def _habits(trial: Trial, settings: Settings) -> list[Finding]:
    """Say what the server turned out to refuse, and what is done instead."""
    from llm.abilities import Abilities
    from llm.habits import gone_round
    from llm.presets import preset_of

    said = gone_round(trial.abilities, preset=Abilities.of(preset_of(settings)))
    if not said:
        return []
    learned = "known from before" if trial.abilities == trial.start else "learned just now"
    message = f"{learned}: {'; '.join(said)}"
    return [Finding(name="model's habits", ok=True, message=message, required=False)]


def _price(trial: Trial, settings: Settings) -> list[Finding]:
    """Say what a typical roadmap will take."""
    from cli.costs import dollars
    from llm.prices import price_of
    from roadmaps.estimate import CONTENTS, typical_roadmap

    if trial.error is not None:
        return []
    usage = typical_roadmap(trial.spent, price_of(settings))
    said = f"about {round(usage.tokens, -3):,} tokens for {CONTENTS} contents"
    if usage.cost is None:
        message = f"{said}; no price known: set ROADMAP_LLM_PRICES"
    else:
        message = f"{said}: about {dollars(float(usage.cost))}"
    return [
        Finding(name="typical roadmap", ok=usage.cost is not None, message=message, required=False)
    ]


def _ask_provider(settings: Settings) -> list[Finding]:
    from core.addresses import shown
    from llm.connection import UNSENDABLE, is_sendable, without_query
    from llm.presets import base_url_of

    key = _key(settings)
    if not is_sendable(key):
        code = "provider_unauthorized"
        return [Finding(name=_NAME, ok=False, message=UNSENDABLE, code=code)]
    where = shown(without_query(base_url_of(settings))[0].rstrip("/"))
    answer = _answer_of(settings, key, where)
    if isinstance(answer, Finding):
        return [answer]
    response, listed = answer
    if response.status_code in _REFUSED or (listed and _refuses_key(response)):
        return [_refused(where)]
    if not listed:
        return [_judge_completion(response, where, key)]
    models = _models(response)
    if response.status_code != _OK or models is None:
        return [_unlike(response, where, key)]
    known = not models.isdisjoint({settings.llm_model, f"models/{settings.llm_model}"})
    said = f"{settings.llm_model}" + (" is offered" if known else " is not in the server's list")
    return [
        Finding(name=_NAME, ok=True, message=f"{where} answers"),
        Finding(name="model", ok=known, message=said, required=False),
    ]


def _answer_of(settings: Settings, key: str, where: str) -> tuple[Any, bool] | Finding:
    """Return what the server answers, and whether about its models; or why it does not."""
    from cli.provider_list import TIMEOUT_S, asked
    from llm.failures import BadAddressError, UnconnectedError, WireError, failure_of, why_broken

    code = ""
    try:
        return asyncio.run(asked(settings, key))
    except SettingsError as error:
        said, code = error.message, error.code
    except UnconnectedError as error:
        said = f"{where}: {error}"
    except TimeoutError:
        said = f"{where} gives no complete answer within {TIMEOUT_S:.0f} s"
    except BadAddressError as error:
        said = f"{where}: {failure_of(error)}"
    except WireError as error:
        said = f"{where} does not answer: {clean(why_broken(error), key)}"
    return Finding(name=_NAME, ok=False, message=said, code=code)


def _judge_completion(response: Any, where: str, key: str) -> Finding:
    from llm.other_apis import other_api

    try:
        answer = response.json() if response.status_code == _OK else None
    except (ValueError, RecursionError):
        answer = None
    if elsewhere := other_api(answer):
        return Finding(name=_NAME, ok=False, message=f"{where}: {elsewhere}")
    if not (isinstance(answer, dict) and "choices" in answer):
        return _unlike(response, where, key)
    return Finding(name=_NAME, ok=True, message=f"{where} answers ({response.status_code})")


def _unlike(response: Any, where: str, key: str) -> Finding:
    """Say what a server means that answers otherwise than with what it was asked for.

    An error, a redirect and a web page are judged as the work judges them.
    """
    from llm.failures import TransientError, failure_told
    from llm.told import told_in_text

    status = 0 if response.status_code == _OK else response.status_code
    told = told_in_text(response.text[:_LONGEST], status=status, headers=response.headers)
    failure = failure_told(told, key=key)
    error = failure.error if isinstance(failure, TransientError) else failure
    if isinstance(error, AppError) and (told.status or told.page):
        said = clean(f"{where}: {error.message}", key)
        return Finding(name=_NAME, ok=False, message=said, code=error.code)
    said = f"{where} does not answer like an OpenAI-compatible server ({response.status_code})"
    return Finding(name=_NAME, ok=False, message=said)


def _refused(where: str) -> Finding:
    said = f"{where} refuses the key; check ROADMAP_LLM_API_KEY"
    return Finding(name=_NAME, ok=False, message=said)


def _refuses_key(response: Any) -> bool:
    """Tell whether it says with another status that the key is wrong, as some providers do."""
    from cli.provider_list import NO_LIST
    from core.provider_errors import ProviderUnauthorizedError
    from llm.judging import judged
    from llm.told import told_in_text

    if response.status_code in {_OK, *NO_LIST}:
        return False
    told = told_in_text(response.text[:_LONGEST], status=response.status_code)
    return judged(told)[0] is ProviderUnauthorizedError


def _models(response: Any) -> set[str] | None:
    """Return the models of a list: of OpenAI's, of a bare one (Together), or of none (Ollama)."""
    try:
        found = response.json()
        listed = found if isinstance(found, list) else found["data"] or ()
        return {str(model["id"]) for model in listed if "id" in model}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def check_search(settings: Settings) -> list[Finding]:
    """Search once. Resources are written without a search, too, so nothing here is required."""
    if settings.search_provider == "none":
        return []
    from llm.connection import key_meant

    key = key_meant(settings.search_api_key)
    if not key or is_placeholder(key):
        said = "ROADMAP_SEARCH_API_KEY is not configured" + (" (a placeholder)" if key else "")
        return [_of_search(said, ok=False)]
    from core.provider_errors import ProviderError
    from roadmaps.search import create_search

    async def ask() -> int:
        search = create_search(settings)
        if search is None:
            return 0
        try:
            return len(await search.find("Rust ownership"))
        finally:
            await search.aclose()

    try:
        found = asyncio.run(ask())
    except ProviderError as error:
        return [_of_search(clean(f"{error.message} ({error.code})", key), ok=False)]
    return [_of_search(f"{settings.search_provider} answers ({found} hits)", ok=True)]


def _of_search(message: str, *, ok: bool) -> Finding:
    return Finding(name="web search", ok=ok, message=message, required=False)
