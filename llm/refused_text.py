"""The words by which providers refuse one text, in their codes and their languages."""

from __future__ import annotations

from typing import Final

from llm.words import any_of

_TEXT: Final = (
    r"(content|prompt|input|output|text|request|message|question|response|generation|query)s?"
)

REFUSED_TEXT: Final = any_of(
    r"content_?filter|content_?policy|data_?inspection|responsible_?ai_?policy|moderation"
    r"|sensitive_?(words?|content)|prohibited_?content|safety_?check|invalid_prompt\b"
    r"|\b(prompt|input|output|response|content)[_ ]?((was|is|has been) )?blocked\b"
    r"|image_safety|prompt ?shield|jailbreak"
    r"|guardrail(?! restrictions)|risk_?control|content_?(moderation|security|safety|violation)"
    r"|policy_?violation"
    r"|\bnew_sensitive\b",
    r"\b(hate ?speech|self[- ]?harm|nsfw|toxicity|sexually explicit)\b"
    r"|\b(can(not|.?t)|unable to|won.?t) (help|assist|comply) with (that|this|your)\b",
    r"\b(terms( of (service|use))?|polic(y|ies)|guidelines?|code of conduct)\b.{0,20}"
    r"\b(violat\w*|breach\w*)|\bviolation of\b.{0,40}\b(terms|polic(y|ies)|guidelines?|rules)\b"
    r"|\b(not|n.t|never) (allowed|permitted) (under|by|per|in|according to)\b.{0,40}"
    r"\b(polic(y|ies)|guidelines?|terms|rules)\b",
    rf"\b{_TEXT}\b.{{0,80}}\b(violat\w*|against|breach\w*|contrary to|not comply"
    rf"|non-?complian\w*)\b"
    r".{0,60}\b(guidelines?|polic(y|ies)|terms|rules|standards|laws?|regulations?)\b",
    r"\bviolat\w*\b.{0,40}\b(usage|content|safety|acceptable"
    r"|community)\b.{0,20}\b(guidelines?|polic\w*|rules|terms)\b",
    rf"\b(was|were|been|is|are) (flagged|moderated|filtered)\b|\bflagged (as|for|by)\b"
    rf"|\b{_TEXT} flagged\b",
    rf"\b{_TEXT}\b.{{0,40}}\b(exists?|high|considered|potential|security"
    rf"|contains?)\b.{{0,20}}\brisk",
    rf"\brisk(y|s)?\b.{{0,20}}\b{_TEXT}\b|\bhigh[- ]risk\b",
    r"\b(inappropriate|(?<!case[- ])sensitive|unsafe|harmful|prohibited|offensive|toxic"
    r"|disallowed|objectionable|nsfw)\b"
    r".{0,30}\b(content|words?|information|text|material|topics?|input|output|prompt"
    r"|request|language)\b"
    r"|\billegal (content|information|material|words?)\b",
    rf"\b{_TEXT}\b.{{0,40}}\b(inappropriate|sensitive|unsafe|harmful|prohibited|offensive"
    rf"|not allowed by|disallowed)\b",
    r"\b(blocked|rejected|stopped|refused|declined|filtered)\b.{0,30}\b(safety|filters?"
    r"|polic(y|ies)|moderation|guardrails?)\b",
    r"\bsafety (system|filters?|settings?|reasons?|polic\w*|guidelines?)\b"
    r"|\bcontent (filter|safety|management polic)\w*",
    r"敏感|违规|违反.{0,12}(规定|政策|法律|法规|规范|准则)|不合规|违法|违禁|不安全|内容安全|风险内容|内容.{0,8}风险|高风险"
    r"|存在风险|涉(黄|政|暴|恐|密)|不当内容|不适当|不良信息|屏蔽词|审核.{0,6}(不通过|未通过|失败|拒绝)|(未|不)(能)?通过.{0,10}审核|風險|違規",
    r"不適切|ポリシー.{0,10}違反|コンテンツ.{0,10}(制限|ポリシー)|부적절|정책.{0,10}위반",
    r"(inhalts?|content|sicherheits)-?(filter|richtlinie)"
    r"|(filtre|filtro)s? (de |di )?(contenu|conte(ú|u)d|contenid|contenut)"
    r"|mod(é|e)ration du contenu|infring\w* .{0,40}(polític|politic|norma|directric|règle)"
    r"|фильтр\w* (безопасн|содерж|контент)\w*|отклон.н\w* .{0,30}(модерац|безопасн)",
    r"inapropiad[oa]|inadequad[oa]|inappropri(é|ée|ato|ata)|viola\w* .{0,30}(polític"
    r"|directric|politique|norm|linee)"
    r"|contenu .{0,30}(interdit|sensible|enfreint)|verst(ö|oe)(ß|ss)t .{0,40}(richtlinie"
    r"|regel)|unangemessen|недопустим\w* содерж"
    r"|нарушает .{0,30}(правил|политик)",
)
"""One text was refused, not whoever asks."""

REFUSED_CODE: Final = any_of(
    r"\bsafety\b|\bblock_?list\b|\brecitation\b|\bspii\b|\b(1301|1026|1027)\b"
)
"""The same, in codes that would be ordinary words or numbers in a message."""
