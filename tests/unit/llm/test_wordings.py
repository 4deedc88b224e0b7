"""Refusals mean the same in other words, languages, shapes and with other statuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.provider_errors import ProviderError
from llm.failures import TransientError, failure_told
from llm.told import error_in, told_in_text

KEY = "sk-canary-0123456789"


def said(message: str, **more: Any) -> dict[str, Any]:
    """Return an error as most servers dress it."""
    return {"error": {"message": message, **more}}


TEXTS: list[tuple[int, Any]] = [
    (400, said("La solicitud infringe nuestras políticas de contenido")),
    (400, said("Запрос отклонён фильтром безопасности")),
    (400, said("Inhalt wurde vom Inhaltsfilter blockiert")),
    (400, said("Request declined: the topic is not allowed under our usage policies")),
    (400, {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}),
    (403, {"error": {"code": "unsafe_content", "message": "unsafe"}}),
    (403, said("x", metadata={"raw": '{"error": {"message": "Terms of Service violation"}}'})),
    (403, said("Text failed our toxicity check")),
    (403, said("This request has been blocked: hate speech detected")),
    (403, said("Content classified as NSFW")),
    (403, said("request refused: self-harm, violence")),
    (403, "blocked: hate speech"),
    (403, [said("The input was flagged by moderation", code=403)]),
    (424, {"error": [{"code": 2016, "message": "Prompt blocked due to security configurations"}]}),
    (404, said("No endpoint may answer this prompt: content policy violation")),
    (429, said("Content violates usage guidelines")),
    (503, said("input rejected by guardrail: self-harm")),
    (200, {"choices": [], "promptFeedback": {"blockReason": "SAFETY"}}),
    (200, {"choices": [], "base_resp": {"status_code": 1027, "status_msg": "new_sensitive"}}),
]
KEYS: list[tuple[int, Any]] = [
    (400, said("The provided API token is not authorized")),
    (400, said("Your API key does not start with sk-")),
    (400, said("Login required")),
    (400, said("La clé API fournie n'est pas valide")),
    (400, said("La clave API no es válida")),
    (403, {"detail": "Could not validate credentials"}),
    (404, said("Invalid API key")),
    (200, {"code": 40101, "msg": "invalid api key", "data": None}),
]
MODELS: list[tuple[int, Any]] = [
    (400, said("Model stranger-1 is not supported")),
    (400, {"detail": "There is no model named stranger-1"}),
    (400, said("Modelo no encontrado: stranger-1")),
    (404, said("Das Modell stranger-1 existiert nicht")),
    (400, said("Model 'a/b' is not supported by any provider", code="model_not_supported")),
    (
        400,
        {"message": "Invocation of model ID a.b with on-demand throughput isn\u2019t supported."},
    ),
    (404, {"errors": [{"code": "model_not_supported", "message": "'a' is not supported for us"}]}),
    (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: a-9"}}),
    (404, said("No endpoints found that can handle the requested parameters.", code=404)),
    (404, said("No endpoints available matching your guardrail restrictions and data policy.")),
    (404, said("All providers have been ignored. To change your default, visit …")),
    (404, said("This is not a chat model and thus not supported in v1/chat/completions")),
]
ACCOUNTS: list[tuple[int, Any]] = [
    (400, said("Your subscription has expired, renew to continue")),
    (403, said("Trial expired")),
    (400, said("You have reached your specified API usage limits. Access returns on 2026-12-01.")),
    (403, {"errors": [{"code": "token_quota_reached", "message": "The operation is blocked."}]}),
    (403, said("The token usage limit for the plan has been reached.")),
    (400, said("ExceededBudget: End User=a over budget. Spend=0.0008", type="auth_error")),
    (429, said("No deployments available - crossed budget: 0.36 >= 0.2")),
]
ADDRESSES: list[tuple[int, Any]] = [
    (200, {"message": "Welcome to the API"}),
    (200, {"message": "Text generation server is running"}),
    (400, "Client sent an HTTP request to an HTTPS server."),
    (400, "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"),
    (400, "<html><p>Reason: You're speaking plain HTTP to an SSL-enabled server port.</p></html>"),
    (400, "Bad Request\r\nThis combination of host and port requires TLS.\r\n"),
    (302, "Unauthorized, please log in: your credit is used up"),
    (407, said("Proxy Authentication Required: invalid token")),
]
LONG: list[tuple[int, Any]] = [
    (413, "Payload Too Large"),
    (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
    (400, said("prompt tokens 5000 > n_ctx 4096")),
    (400, said("context shift is disabled")),
    (400, said("failed to find free space in the KV cache")),
    (400, said("Input tokens 5000 > 4096")),
    (500, said("5000 tokens > 4096 limit")),
    (400, said("Die Anfrage überschreitet die maximale Kontextlänge von 4096 Token")),
    (400, said("Die Eingabe ist zu lang: 5000 Token, erlaubt sind 4096")),
    (400, said("Zu viele Token: 5000 (Maximum 4096)")),
    (400, said("La requête dépasse la longueur maximale du contexte (4096 jetons)")),
    (400, said("La entrada supera la longitud máxima de contexto de 4096 tokens")),
    (400, said("O prompt excede o tamanho do contexto")),
    (400, said("Il prompt supera la lunghezza massima del contesto")),
    (400, said("Превышена максимальная длина контекста: 5000 токенов")),
    (400, said("Слишком длинный запрос")),
    (400, said("コンテキスト長を超えています")),
    (400, said("プロンプトが長すぎます")),
    (400, said("컨텍스트 길이를 초과했습니다")),
    (400, said("Za długi prompt: limit kontekstu 4096")),
    (400, said("提示詞長度超過限制")),
    (400, said("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens")),
]
RATES: list[tuple[int, Any]] = [
    (400, said("Throttling: request was denied due to user model serving rate limit")),
    (403, said("Rate limit exceeded, retry later")),
    (200, said("Too many tokens, please wait before trying again.")),
    (503, said("ThrottlingException: Too many tokens, please wait before trying again")),
]
BUSY: list[tuple[int, Any]] = [
    (400, said("server busy, please retry later")),
    (400, said("upstream connect error or disconnect/reset before headers")),
    (403, said("The service is overloaded")),
    (424, {"error": "Request failed during generation: CUDA out of memory"}),
    (424, {"message": "The request failed due to an error while processing the model."}),
    (400, {"error": "The model has crashed without additional information. (Exit code: 1)"}),
    (400, {"error": "Model was unloaded while the request was still in queue.."}),
]
OTHER: list[tuple[int, Any]] = [
    (400, said("Invalid value for 'response_format': content must be text")),
    (400, said("messages[1].content: field required")),
    (400, said("Prompt must contain the word json")),
    (400, said("this model does not support the content type image")),
    (400, said("property 'content' is unsupported")),
    (501, said("Not implemented")),
    (400, said("Kontext fehlt: das Feld 'messages' ist leer")),
    (400, said("El campo 'contexto' no es válido")),
    (400, said("temperature 2.5 > 2")),
]
WORDINGS = [
    pytest.param(code, again, status, body, id=f"{code} {status} {json.dumps(body)[:50]}")
    for code, again, cases in (
        ("content_refused", False, TEXTS),
        ("provider_unauthorized", False, KEYS),
        ("provider_unknown_model", False, MODELS),
        ("provider_quota_exhausted", False, ACCOUNTS),
        ("provider_address_wrong", False, ADDRESSES),
        ("context_too_long", False, LONG),
        ("provider_rate_limited", True, RATES),
        ("provider_unavailable", True, BUSY),
        ("provider_rejected", False, OTHER),
    )
    for status, body in cases
]


@pytest.mark.parametrize(("code", "again", "status", "body"), WORDINGS)
def test_what_is_meant_counts(code: str, again: bool, status: int, body: Any) -> None:  # noqa: FBT001
    """Judged as a person would who reads it, and tried again only where that helps."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    told = error_in(body) if status == 200 else told_in_text(text, status=status)
    assert told is not None
    found = failure_told(told, key=KEY)
    error = found.error if isinstance(found, TransientError) else found
    assert isinstance(error, ProviderError)
    assert error.code == code
    assert isinstance(found, TransientError) is again


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(said("That is something we do not write about.")),
        "<html><title>Attention Required! | Cloudflare</title>Sorry, you have been blocked</html>",
    ],
)
def test_a_403_in_unknown_words_is_about_one_text_once_the_key_was_good(body: str) -> None:
    """Before that it is about who asks."""
    told = told_in_text(body, status=403)
    for served, code in ((True, "content_refused"), (False, "provider_unauthorized")):
        found = failure_told(told, key=KEY, served=served)
        assert isinstance(found, ProviderError)
        assert found.code == code
