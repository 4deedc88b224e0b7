"""How a server is asked, and what is learnt from its refusals."""

from __future__ import annotations

from typing import Any

import pytest

from core.choices import LlmPreset
from core.errors import SettingsError
from core.settings import Settings
from llm.abilities import Abilities
from llm.calls import Call
from llm.failures import Told
from llm.presets import PRESETS, ResponseFormat, base_url_of, model_of, preset_of
from llm.refusals import Feature
from roadmaps.kinds.tutorial import Tutorial
from tests.prompts import content_inputs, prompt_of

CALL = Call(
    prompt=prompt_of(
        "tutorial",
        content_inputs(),
    ),
    output=Tutorial,
    max_tokens=77,
)
MESSAGES = [{"role": "system", "content": "Teach."}, {"role": "user", "content": "Go."}]


def request(abilities: Abilities) -> dict[str, Any]:
    """Return a request for a stream."""
    return abilities.request(CALL, MESSAGES, model="m", stream=True)


def test_a_request_begins_with_all_that_may_be_asked() -> None:
    """Strict schema, stream, its tokens, and the limit under its usual name."""
    body = request(Abilities())
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["max_tokens"] == 77
    assert body["messages"] == MESSAGES


def test_without_a_schema_parameter_the_schema_stands_in_the_prompt() -> None:
    """JSON mode and plain text both show it; JSON mode demands the word JSON in the messages."""
    for wanted, shape in ((1, {"type": "json_object"}), (2, None)):
        body = request(Abilities(response_format=ResponseFormat(wanted)))
        assert body.get("response_format") == shape
        system = body["messages"][0]["content"]
        assert system.startswith("Teach.\n\n")
        assert '<schema name="tutorial">' in system
        assert '"markdown"' in system
        assert "JSON" in system
        assert body["messages"][1] == MESSAGES[1]


@pytest.mark.parametrize(
    ("status", "param", "message", "feature"),
    [
        (400, "", "This response_format type is unavailable now", Feature.RESPONSE_FORMAT),
        (422, "", "body: response_format.type `json_schema` is unavailable", "response_format"),
        (400, "response_format.type", "Invalid value: 'json_schema'.", Feature.RESPONSE_FORMAT),
        (400, "", "Json mode is not supported for this model.", Feature.RESPONSE_FORMAT),
        (404, "", "No endpoint supports structured outputs", Feature.RESPONSE_FORMAT),
        (400, "stream_options", "Unknown parameter: 'stream_options'.", Feature.STREAM_OPTIONS),
        (
            400,
            "",
            "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'input': {}}]",
            Feature.STREAM_OPTIONS,
        ),
        (415, "", "Streaming is not supported with response_format", Feature.STREAM),
        (400, "", "response_format is none of: model, messages, stream", "response_format"),
        (
            400,
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            Feature.LIMIT_NAME,
        ),
        (400, "", "upstream error", None),
        (400, "", "max_tokens is too large: 77", Feature.LIMIT_VALUE),
        (400, "", "Bad Request", None),
        (500, "", "response_format crashed", None),
        (401, "", "stream not allowed", None),
    ],
)
def test_a_refusal_is_told_by_the_words_of_real_servers(
    status: int, param: str, message: str, feature: Feature | None
) -> None:
    """What is named first counts, and only what was asked for."""
    abilities = Abilities()
    told = Told(status=status, param=param, message=message)
    assert abilities.refused(told, request(abilities)) == feature
    if feature is Feature.STREAM:
        plain = abilities.request(CALL, MESSAGES, model="m", stream=False)
        assert abilities.refused(told, plain) is Feature.RESPONSE_FORMAT


def test_refusals_end_with_a_request_that_has_nothing_to_refuse() -> None:
    """Each one takes something away, so that asking differently comes to an end."""
    abilities = Abilities()
    for _ in range(10):
        body = request(abilities)
        told = Told(
            status=400, message="stream_options response_format stream max_tokens unsupported"
        )
        feature = abilities.refused(told, body)
        if feature is None:
            told = Told(status=400, message="max_completion_tokens is not supported")
            feature = abilities.refused(told, body)
        if feature is None:
            break
        abilities = abilities.without(feature, seen=abilities)
    assert set(request(abilities)) == {"model", "messages"}


def test_many_refusals_at_the_same_time_count_once() -> None:
    """Ten calls that were refused json_schema together do not take json_object away too."""
    seen = Abilities()
    now = seen
    for _ in range(10):
        now = now.without(Feature.RESPONSE_FORMAT, seen=seen)
        now = now.without(Feature.LIMIT_NAME, seen=seen)
    assert now.response_format is ResponseFormat.JSON_OBJECT
    assert now.limit_names == ("max_completion_tokens",)


def settings(**values: Any) -> Settings:
    """Return settings with some values."""
    return Settings.model_validate(values)


@pytest.mark.parametrize(
    ("values", "title", "url"),
    [
        ({}, "OpenAI", "https://api.openai.com/v1"),
        ({"llm_preset": "deepseek"}, "DeepSeek", "https://api.deepseek.com"),
        (
            {"llm_preset": "dashscope", "llm_base_url": "https://dashscope-intl.aliyuncs.com/x"},
            "DashScope",
            "https://dashscope-intl.aliyuncs.com/x",
        ),
        (
            {"llm_base_url": "https://api.siliconflow.cn/v1"},
            "SiliconFlow",
            "https://api.siliconflow.cn/v1",
        ),
        (
            {"llm_base_url": "http://10.0.0.1/v1"},
            "an OpenAI-compatible server",
            "http://10.0.0.1/v1",
        ),
        (
            {"llm_base_url": "https://notdeepseek.com/v1"},
            "an OpenAI-compatible server",
            "https://notdeepseek.com/v1",
        ),
        (
            {"llm_base_url": "http://10.0.0.1/v1/chat/completions#try-it"},
            "an OpenAI-compatible server",
            "http://10.0.0.1/v1#try-it",
        ),
    ],
)
def test_a_provider_is_named_or_known_by_its_host(
    values: dict[str, str], title: str, url: str
) -> None:
    """LLM_PRESET gives an address unless there is one, and an address tells whose it is."""
    given = settings(**values)
    assert preset_of(given).title == title
    assert base_url_of(given) == url


@pytest.mark.parametrize("preset", list(LlmPreset))
def test_every_preset_is_one_that_can_be_used(preset: LlmPreset) -> None:
    """It has an address and an example of a model, and knows what the answer's limit is called."""
    assert base_url_of(settings(llm_preset=preset)) == PRESETS[preset].base_url
    assert model_of(settings(llm_preset=preset, llm_model="mine")) == "mine"
    first, second = Abilities.of(PRESETS[preset]).limit_names
    assert {first, second} == {"max_tokens", "max_completion_tokens"}


def test_a_preset_wants_its_own_model() -> None:
    """OpenAI's default model is no model of DeepSeek's: the message names the variable."""
    with pytest.raises(SettingsError, match=r"ROADMAP_LLM_MODEL.*DeepSeek.*deepseek-flash"):
        model_of(settings(llm_preset="deepseek"))


def test_all_that_is_doubtful_is_left_out_at_once_and_streamed_where_only_that_is_left() -> None:
    """A server that wants only streams, and no system message, and says neither, is asked so."""
    asked = Abilities().request(CALL, MESSAGES, model="m", stream=False)
    *_, last = Abilities().guesses(frozenset(), asked)
    body = last.request(CALL, MESSAGES, model="m", stream=False)
    assert body["stream"] is True
    assert body.keys() == {"model", "messages", "stream", "stream_options"}
    assert [message["role"] for message in body["messages"]] == ["user"]
