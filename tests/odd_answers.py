"""Answers as real models give them, by kind: each holds a tutorial whose text is `TEXT`.

Used where answers are read, whole and in pieces, and by a whole task over a model server.
"""

from __future__ import annotations

import json
from typing import Final

TEXT: Final = 'A "text"\nof two lines \\ \u4e2d\U0001f600'
GOOD: Final = json.dumps({"markdown": TEXT}, ensure_ascii=False)
DRAFT: Final = '{"markdown": "a draft"}'

THOUGHTS: Final[dict[str, str]] = {
    "think": f"<think>\nHm, {DRAFT}?\n</think>\n\n{GOOD}",
    "think_in_capitals": f"<THINK>hm</THINK>{GOOD}",
    "think_with_attributes": f'<think lang="en">hm</think>{GOOD}',
    "thinking": f"<thinking>It's \"half {{ open</thinking>{GOOD}",
    "thought": f"<thought>hm [</thought>{GOOD}",
    "reasoning": f"<reasoning>{DRAFT}</reasoning>\n{GOOD}",
    "only_a_closing_tag": f"Okay, first {DRAFT} and then\n</think>\n\n{GOOD}",
    "only_a_closing_tag_after_an_open_draft": f'So {{"markdown": "half\n</think>\n{GOOD}',
    "kimi": f"\u25c1think\u25b7{DRAFT}\u25c1/think\u25b7{GOOD}",
    "magistral": f"[THINK]{DRAFT}[/THINK]{GOOD}",
    "harmony": "<|channel|>analysis<|message|>Need JSON " + DRAFT + "<|end|><|start|>assistant"
    f"<|channel|>final<|message|>{GOOD}<|return|>",
    "harmony_with_a_constraint": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
    f"<|channel|>final <|constrain|>json<|message|>{GOOD}",
    "harmony_without_its_tokens": f"analysisWe need JSON. Let's go.assistantfinal{GOOD}",
    "seed": f"<seed:think>{DRAFT}<seed:cot_budget_reflect>I used 9</seed:cot_budget_reflect>"
    f"</seed:think>{GOOD}",
    "begin_of_thought": f"<|begin_of_thought|>{DRAFT}<|end_of_thought|>\n"
    f"<|begin_of_solution|>{GOOD}<|end_of_solution|>",
    "granite": f"Here is my thought process: {DRAFT} will do. Here is my response: {GOOD}",
    "cohere": f"<|START_THINKING|>{DRAFT}<|END_THINKING|><|START_RESPONSE|>{GOOD}<|END_RESPONSE|>",
    "gemma": f"<|channel>thought\n{DRAFT}<channel|>{GOOD}",
    "answer_tags": f"<think>{DRAFT}</think><answer>{GOOD}</answer>",
    "nested": f"<think>a<think>b</think>{DRAFT} c</think>{GOOD}",
    "speaks_of_the_tag": f"<think>I explain the <think> tag.</think>{GOOD}",
    "speaks_of_the_closing_tag": f"<think>It ends with </think> and {DRAFT}.</think>{GOOD}",
    "repeated": f"<think>{DRAFT}</think>\n<think>again</think>\n{GOOD}",
    "empty": f"<think>\n\n</think>\n\n{GOOD}",
    "unclosed_with_the_answer_last": f"<think>{DRAFT} is too short.\n{GOOD}",
    "closed_after_the_answer": f"{GOOD}\n</think>",
    "fenced_behind": f"<think>\n```json\n{DRAFT}\n```\n</think>\n```json\n{GOOD}\n```",
}
"""Thoughts around the answer; none of them may be taken for it."""

AROUND: Final[dict[str, str]] = {
    "byte_order_mark": f"\ufeff{GOOD}",
    "words": f"Sure! Here it is:\n\n{GOOD}\n\nAnything else?",
    "words_with_braces": f"For {{name}} in {{x: 1}} and [1]: {GOOD} {{done}}",
    "fence": f"```json\n{GOOD}\n```",
    "fence_without_a_line": f"```json {GOOD}```",
    "fence_of_tildes": f"~~~\n{GOOD}\n~~~",
    "open_fence": f"```json\n{GOOD}",
    "fence_in_capitals": f"Answer:\n```JSON5\n{GOOD}\n```\nBye {{",
    "special_token": f"{GOOD}<|im_end|>",
    "example_then_answer": f'Such as {{"title": "x"}}, so:\n{GOOD}',
    "draft_then_final": f"{DRAFT}\nBetter:\n{GOOD}",
    "twice": GOOD + GOOD,
    "answer_then_its_form": f'{GOOD}\nForm: {{"markdown": "..."}}',
    "answer_then_schema": f'{GOOD}\n{{"type": "object", "properties": {{"markdown": {{}}}}}}',
    "tool_call_in_tags": f'<tool_call>{{"name": "x", "arguments": {GOOD}}}</tool_call>',
    "assignment": f"const answer = {GOOD};",
    "encoded_in_a_wrapper": json.dumps({"response": json.dumps(GOOD)}),
    "line_breaks_as_escapes": '{\\n  "markdown": ' + json.dumps(TEXT) + "\\n}",
    "list_around": f"[{GOOD}]",
    "draft_in_a_list": f"[{DRAFT}, {GOOD}]",
    "named": f'{{"tutorial": {GOOD}}}',
    "response": f'{{"response": {GOOD}}}',
    "output": f'{{"status": "ok", "output": {GOOD}}}',
    "parameters": f'{{"name": "tutorial", "parameters": {GOOD}}}',
    "arguments_as_text": json.dumps({"name": "tutorial", "arguments": GOOD}),
    "two_wrappers": f'{{"data": {{"result": {GOOD}}}}}',
    "twice_encoded": json.dumps(GOOD),
    "thrice_encoded": json.dumps(json.dumps(GOOD)),
    "escaped_without_quotes": json.dumps(GOOD)[1:-1],
    "schema_with_values": f'{{"type": "object", "properties": {GOOD}}}',
    "schema_with_value_members": json.dumps(
        {"type": "object", "properties": {"markdown": {"type": "string", "value": TEXT}}}
    ),
    "unknown_members": json.dumps({"notes": [1, {"a": None}], "markdown": TEXT, "x": {}}),
    "name_in_another_case": json.dumps({"Markdown": TEXT}),
    "another_name": json.dumps({"content": TEXT}),
    "lines": json.dumps({"markdown": TEXT.split("\n")}),
}
"""What stands around the object."""

_QUOTED: Final = json.dumps(TEXT, ensure_ascii=False)
SIGNS: Final[dict[str, str]] = {
    "trailing_comma": f'{{"markdown": {_QUOTED},}}',
    "two_commas": f'{{"markdown": {_QUOTED},, "x": 1}}',
    "missing_comma": f'{{"markdown": {_QUOTED} "x": 1}}',
    "missing_brace": f'{{"markdown": {_QUOTED}',
    "missing_brace_in_a_fence": f'```json\n{{"markdown": {_QUOTED}\n```',
    "a_brace_too_many": f'{{"markdown": {_QUOTED}}}}}',
    "comments": f'{{ // a tutorial\n"markdown": {_QUOTED} /* the text */\n# end\n}}',
    "single_quotes": "{'markdown': 'A \"text\"\\nof two lines \\\\ \u4e2d\U0001f600'}",
    "no_quotes_around_names": f"{{markdown: {_QUOTED}}}",
    "pythons_words": f"{{'draft': False, 'x': None, 'y': True, 'markdown': {_QUOTED}}}",
    "raw_line_break": GOOD.replace("\\n", "\n"),
    "unescaped_quotes": GOOD.replace('\\"', '"'),
    "unescaped_quotes_and_line_breaks": GOOD.replace('\\"', '"').replace("\\n", "\n"),
    "not_a_number": f'{{"markdown": {_QUOTED}, "x": NaN, "y": -Infinity}}',
    "smart_quotes": '{\u201cmarkdown\u201d: \u201cA \\"text\\"\\nof two lines \\\\ '
    "\u4e2d\U0001f600\u201d}",
    "german_quotes": '{\u201ex\u201c: 1, \u201emarkdown\u201c: \u201eA \\"text\\"\\nof two'
    " lines \\\\ \u4e2d\U0001f600\u201c, \u201ey\u201c: [\u201ea\u201c, \u201eb\u201c]}",
    "guillemets": '{\u00abmarkdown\u00bb: \u00abA "text"\\nof two lines \\\\ '
    "\u4e2d\U0001f600\u00bb, \u00aby\u00bb: [\u00aba\u00bb, \u00abb\u00bb]}",
    "unseen_marks": f'{{\u200b"markdown"\u200f: {_QUOTED}\u200f}}',
    "full_width_signs": f'\uff5b"markdown"\uff1a{_QUOTED}\uff0c"x"\uff1a1\uff5d',
    "triple_quotes": '{"markdown": """A "text"\nof two lines \\\\ \u4e2d\U0001f600"""}',
    "back_quotes": '{"markdown": `A "text"\nof two lines \\\\ \u4e2d\U0001f600`}',
    "two_texts_added": '{"markdown": "A \\"text\\"\\n" + "of two lines \\\\ \u4e2d\U0001f600"}',
    "nul_and_surrogates": GOOD.replace("A ", "A\\u0000\\ud800 "),
    "halves_of_a_character": json.dumps({"markdown": TEXT}),
    "unquoted_other_value": f'{{"level": beginner, "markdown": {_QUOTED}}}',
}
"""Signs that JSON does not know."""

READABLE: Final = {
    f"{kind}-{name}": text
    for kind, answers in (("thoughts", THOUGHTS), ("around", AROUND), ("signs", SIGNS))
    for name, text in answers.items()
}

UNREADABLE: Final[dict[str, str]] = {
    "empty": "",
    "spaces": " \n ",
    "null": "null",
    "empty_list": "[]",
    "text": '"text"',
    "brace": "{",
    "wrong_way": "}{",
    "words": "no",
    "null_text": '{"markdown": null}',
    "empty_text": '{"markdown": ""}',
    "nul_text": '{"markdown": "\\u0000"}',
    "cut_off": GOOD[: len(GOOD) // 2],
    "cut_off_before_the_last_quote": GOOD[:-2],
    "cut_off_in_a_fence": f"```json\n{GOOD[:-2]}\n```",
    "cut_off_after_a_draft_in_thought": f"<think>{DRAFT}</think>{GOOD[:-2]}",
    "only_thoughts": f"<think>I would say {DRAFT}, or not.",
    "only_thoughts_closed": f"<think>{DRAFT}</think>",
    "left_out": '{"markdown": "text", "parts": [1, 2, ...]}',
    "schema": '{"type": "object", "properties": {"markdown": {"type": "string"}}}',
    "code_with_quotes": '{"markdown": "x = {"a": "b", "c": 1} and more"}',
    "list_without_end": '{"markdown": "text", "parts": [1, 2',
}
"""Nothing here may pass for an answer, above all not half of one."""
