"""The words by which providers tell what went wrong, as patterns, one for each meaning.

They were collected from the providers' documentation and from public reports in several languages
(docs/LANGUAGE_MODELS.md says which). The statuses that they come with differ from provider to
provider, so the words count first.
"""

from __future__ import annotations

import re
from typing import Final


def any_of(*patterns: str) -> re.Pattern[str]:
    """Return what finds any of some patterns, however it is written and over line ends."""
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)


NO_CREDIT: Final = any_of(
    r"insufficient_?(user_?)?(quota|balance|credits?|funds)|billing_(hard_limit|not_active)"
    r"|\barrearage\b"
    r"|account_?overdue|exceeded_current_quota|budget_?exceeded|payment_?required"
    r"|exceeded_?budget|\b(over|exceeded|crossed) budget\b"
    r"|free_?tier_?only|credits?_?exhausted|quota_?(exhausted|reached)|balance_?not_?enough"
    r"|\b(reached|hit|exceeded) your (\w+ ){0,2}usage limits?\b|\busage limit for the plan\b",
    r"\b(balance|credits?|funds)\b.{0,40}\b(insufficient|not enough|exhausted|empty|too low"
    r"|used up|depleted|expired|negative|run out)\b",
    r"\b(insufficient|not enough|out of|no remaining|ran out of|run out of|no more|(doesn.t"
    r"|don.t|does not|do not|no longer) have any)\b"
    r".{0,30}\b(balance|credits?|funds|quota)\b",
    r"\bused all\b.{0,30}\bcredits?\b|\b(spending|billing|spend)( hard| soft)? (limit"
    r"|cap)\b|\bbudget has been exceeded\b",
    r"\bexceeded your current quota\b|\brequires more credits\b|\bcan only afford\b"
    r"|\bpayment (is )?required\b"
    r"|\bpurchase (more )?credits\b|\bin good standing\b|\bfree (tier|quota|trial"
    r"|allocation)\b.{0,40}\b(exhausted|used up|ended|over|expired)\b"
    r"|\bkey limit exceeded\b|\boverdue\b|\bquota\b.{0,30}\b(exhausted|used up|depleted"
    r"|insufficient)\b|\btop up\b|\brecharge\b"
    r"|\bno (active )?(payment method|subscription)\b|\bunpaid\b"
    r"|\b(subscription|trial|plan)\b.{0,20}\b(has |is )?(expired|ended|lapsed|past due)\b",
    r"余额(不足|为负|不够|已用)|欠费|(额度|配额|用量|点数|积分).{0,10}(不足|用尽|用完|耗尽|已用)|请.{0,10}充值|免费额度.{0,10}(用|耗|到期)"
    r"|预扣费.{0,20}失败|剩余额度|账户.{0,6}(欠|无余额)|餘額不足|残高.{0,6}不足|잔액.{0,6}부족|크레딧.{0,6}부족",
    r"solde insuffisant|cr(é|e)dits? insuffisants?|saldo insuficiente|cr(é"
    r"|e)ditos? insuficientes?|saldo insufficiente"
    r"|guthaben .{0,30}(aufgebraucht|nicht ausreichend|zu niedrig)|недостаточно средств"
    r"|баланс .{0,20}(исчерпан|недостаточ)",
)
"""The account cannot pay."""

NO_CREDIT_CODE: Final = any_of(r"\b(1113|30001|1008)\b")
"""The same, in numbers: Zhipu's, SiliconFlow's, MiniMax's."""


BY_RATE: Final = any_of(
    r"per[ _-]?(second|minute|hour|day|week)|/(s|sec|second|min|minute|h|hour|day)\b"
    r"|\b[rtic]p[smhdw]\b|\bby(minute|day|hour)\b"
    r"|token-limit|rate[_ -]?quota|每(秒|分钟|小时|日|天)|\bdaily\b|today|tomorrow"
)
"""Then a quota is one of a time, and comes back by itself."""

FOR_LONG: Final = any_of(
    r"per[ _-]?(day|week|month)|/ ?(day|week|month)\b|\b[rtic]p[dw]\b|\bby(day|week)\b"
    r"|\bdaily\b|\bweekly\b|\btoday|\btomorrow\b|86400|\b5 hours?\b"
    r"|每(日|天|周|月)|当(日|天)|今(日|天)|单日|明(日|天)|一天"
)
"""The limit is one of a day or more."""

QUOTA_OF_A_DAY: Final = re.compile(r"PerDay")
"""Gemini's name of one; it asks for a wait of seconds beside it, after which nothing is free."""

SUSPENDED: Final = any_of(
    r"\b(account|organi[sz]ation|team|project|workspace|api[ _-]?key|consumer)\b.{0,40}"
    r"\b(suspended|deactivated|disabled|banned|terminated|revoked|locked|closed|frozen"
    r"|restricted)\b",
    r"\b(user|account|key) (has been|is|was) (suspended|banned|blocked|disabled|deactivated)\b",
    r"organization_(restricted|deactivated)|account_(deactivated|disabled)|consumer_suspended",
    r"(账号|账户|帐号|用户|令牌|密钥|组织).{0,10}(封禁|禁用|停用|冻结|封号|注销|锁定|被封)",
)
"""The account itself is closed."""

WRONG_KEY: Final = any_of(
    r"invalid_?(api_?)?key|invalid_?authentication|authentication_?error|api_?key_?invalid"
    r"|\bunauthenticated\b|incorrect_?api_?key"
    r"|invalid_?token|auth_?error|no_?auth_?credentials|authentication_?fail\w*"
    r"|access_?token_?(expired|invalid)|invalid_?credentials?"
    r"|invalid_?signature|missing_?(api_?)?key",
    r"\b(incorrect|invalid|wrong|missing|malformed|bad|expired|revoked|unknown"
    r"|unrecogni[sz]ed|provide an?|provide your|no|without|lacks?( an?)?) "
    r"(or (missing|invalid|expired) )?(valid )?(x-)?(api[ _-]?key|apikey|api token"
    r"|access[ _-]?token|bearer token|auth(entication|orization)? (token|key|header"
    r"|credentials?)|credentials?|subscription key|authentication)\b",
    r"\b(log|sign)[ -]?in (is )?required\b|\bplease (log|sign) in\b|\bnot (logged|signed) in\b"
    r"|\bcould not validate credentials\b",
    r"\b(api[ _-]?key|apikey|api token|access token|bearer token|credentials?"
    r"|subscription key)\b.{0,60}"
    r"\b(not authori[sz]ed|(does not|doesn.t|must|should) (start|begin) with"
    r"|not valid|invalid|incorrect|wrong|not found|expired|revoked|leaked|missing"
    r"|required|not (been )?(provided|recogni[sz]ed|exist)|does(n.t| not) exist|malformed"
    r"|not supplied|unknown)\b",
    r"\bauthentication (fails?|failed|error|required|is required|token|credentials?)\b"
    r"|\bunauthori[sz]ed\b|\A\W*invalid token\W*\Z"
    r"|\binvalid (proxy server )?token passed\b|\btoken\b.{0,12}\b(has )?expired\b"
    r"|\bplease bind your\b",
    r"无效的?.{0,4}(令牌|密钥|key|api|token|凭证)|(令牌|密钥|秘钥|api[ _-]?key"
    r"|(?<![_a-z])token(?!s)|凭证).{0,12}(无效|错误|不正确|不存在|过期|失效|有误|非法|缺失"
    r"|未提供|为空)"
    r"|鉴权(失败|错误|异常)|(认证|身份验证|授权)(失败|错误|异常)|未提供.{0,6}(令牌|密钥|api"
    r"|key|token)|未授权|令牌状态不可用|無效的.{0,4}(金鑰|令牌)",
    r"cl(é|e) (d.)?api .{0,30}(invalide|incorrecte|manquante|erron(é|e)e"
    r"|pas valide|non valide|expir)"
    r"|clave (de )?(la )?api .{0,30}(inv(á|a)lida|incorrecta|no (es )?v(á|a)lida|caducad|vencid)"
    r"|chave (de )?api .{0,20}inv(á|a)lida"
    r"|api[- ]?(schl(ü|ue)ssel|key).{0,20}(ung(ü|ue)ltig|falsch|fehlt)|(ung(ü|ue)ltiger"
    r"|falscher|fehlender) api[- ]?(schl(ü|ue)ssel|key)"
    r"|apiキー.{0,10}(無効|正しく|見つ)|api 키.{0,10}(유효|잘못)|(неверный"
    r"|недействительный) .{0,10}(api|ключ|токен)",
)
"""The key is wrong, missing or over."""

WRONG_KEY_CODE: Final = any_of(r"\b(1004|2049)\b")
"""The same, in MiniMax's numbers."""


REGION: Final = any_of(
    r"unsupported_country|country, region,? or territory|(user )?location is not supported"
    r"|not (available|supported|accessible) in (your|this) (region|country|location"
    r"|territory)"
    r"|\b(region|country|location)\b.{0,40}\b(not (supported|allowed|available)|restricted"
    r"|blocked)\b|(地区|区域|国家).{0,10}(不支持|不可用|受限|限制)|不支持.{0,10}(地区|区域"
    r"|国家)"
)
"""The provider does not serve where the request comes from."""

NO_RIGHT: Final = any_of(
    r"permission|not (allowed|authori[sz]ed|permitted|entitled)|access[ _]?(is )?denied"
    r"|forbidden|no[ _]access|does not have access|not have access|unauthori[sz]ed"
    r"|\bscope|privilege|subscription|verif(y|ied|ication)|\brights?\b|api[ _-]?key|\bkey\b"
    r"|\btoken\b|billing|plan\b|quota|accounts?\b|organi[sz]ation|network|firewall|\bip\b"
    r"|\bvpn\b|region|country"
    r"|model_?(access|not_?open)|can only access"
    r"|无权|权限|禁止|未开通|未开放|拒绝访问|白名单|实名|认证|令牌|分组|账|用户"
)
"""Words about who asks, by which a bare 403 is about the account and not about one text."""

DENIED: Final = any_of(r"access denied|permission[ _]denied|\bwhite-?list|\ballow-?list")
"""Who asks may not, told with a status of a bad request."""

NOT_FOUND: Final = any_of(r"\A\W*(404 )?(page )?not found\W*\Z")
"""No such path, told with 200."""

UNKNOWN_MODEL: Final = any_of(
    r"model_?not_?(found|exists?)|invalid_?model|unknown_?model|no_?such_?model"
    r"|deploymentnotfound|model_?decommissioned|model_?deprecated"
    r"|invalidendpointormodel|model_?disabled|\bmodel_not_(supported|available)\b"
    r"|\bnot_found_error\b.{0,40}\bmodel: \S+\Z|\bon-demand throughput isn.t supported\b",
    r"\bmodels?\b(?!.{0,60}\b(parameter|value|field|schema|role"
    r"|format)\b).{0,120}?(\bnot (be )?(found|exist)|doesn.t exist|\bunknown\b"
    r"|\bnot a valid\b|\binvalid\b"
    r"|\bdecommissioned|\bdeprecated and|\bno longer (supported|available)|\bretired"
    r"|\bhas been (removed|shut ?down|discontinued)|\bnot available\b|\bis disabled\b)",
    r"\b(unknown|invalid|no such|not find( the)?|not found the|non-?existent|unsupported"
    r"|unrecogni[sz]ed) model\b|\binvalid model (name|id|identifier)|\bno models? (are "
    r"|is )?(currently )?loaded\b|\bmodel is not loaded\b"
    r"|\bnot a valid model\b|\bno available channels?\b|\bno endpoints (found"
    r"|available) (for|matching|that)\b|\bproviders have been ignored\b"
    r"|\bno allowed providers\b|\bhas no provider supported\b"
    r"|\bapi deployment\b.{0,40}\bdoes not exist\b|\btry pulling it\b",
    r"\bmodel ([^\s]{1,100} )?is (currently )?(not|un)[ -]?supported\b(?! (by|with|for|in)\b)"
    r"|\bno model (is )?(named|called|with)\b"
    r"|\bnot a chat model\b|\bdoes not support chat\b|\bonly (supported|available) in v1/",
    r"\bmodelo\b.{0,60}\b(no (existe|encontrad|se encontr|disponible|v(á|a)lido)"
    r"|n(ã|a)o (existe|foi|encontrad))"
    r"|\bmod(è|e)le\b.{0,60}(introuvable|n.existe pas|inconnu|non trouv)"
    r"|\bmodell\b.{0,60}(existiert nicht|nicht gefunden|unbekannt|nicht verf(ü|ue)gbar)"
    r"|\bmodello\b.{0,60}\bnon (esiste|trovato|disponibile)"
    r"|модел\w* .{0,60}не (найден|существует|поддержив)",
    r"(未找到|找不到|不存在.{0,4}|没有|不支持(的|该)?|未知(的)?|无效的?)模型"
    r"|模型.{0,40}(不存在|未找到|找不到|不可用|已下线|下线|无可用渠道|未部署|未配置)"
    r"|无可用渠道|モデル.{0,20}(見つか|存在しま)|모델.{0,20}(찾을 수 없|존재하지)",
)
"""The model is not there."""

UNKNOWN_MODEL_CODE: Final = any_of(r"\b(1211|20012)\b")
"""The same, in numbers: Zhipu's, SiliconFlow's."""


LOADING: Final = any_of(
    r"\b(is|are|currently|still) (being )?(loading|warming up|starting|initiali[sz]ing"
    r"|booting)\b|\bloading (the )?model\b|\bmodel (is )?(loading|not (yet )?ready|warming)"
    r"|\bcold start|\bstarting up\b|not ready yet|\bmodel (has |was |is )?(crashed|unloaded)\b"
    r"|模型.{0,6}(加载|启动)中|正在(加载|启动)"
)
"""The model is on its way, or was lost and comes back with the next request."""

OVERLOADED: Final = any_of(
    r"overload\w*|too busy|is busy|server busy|at capacity|capacity exceeded|tier_capacity"
    r"|temporarily unavailable|(try again|retry) (later|shortly|in a (moment|minute|few))"
    r"|upstream connect error|please retry\b|繁忙|过载|负载|饱和|稍后(再试|重试)"
    r"|上游.{0,8}(错误|失败|超时)"
)
"""It is too much at the moment, whoever asks."""

TROUBLE: Final = any_of(
    r"error|fail|exception|invalid|wrong|unable|cannot|can.t|could not|not |abort|timed? ?out"
    r"|refused|denied|crash|fehler|erreur|错误|失败|异常|超时|ошибк|エラー|오류"
)
"""Something is wrong; where none of these is said, a message may be a mere sign of life."""

OVER_RATE: Final = any_of(
    r"\brate[ _-]?limit\w*\b.{0,40}\b(exceeded|reached|hit)\b|\bthrottl(ed|ing)"
    r"|too[ _-]many[ _-]requests|\btoo many tokens\W{1,3}(please )?wait\b"
    r"|\bratelimit(ed|error|exceeded)|请求(过于)?(频繁|过多|太快)|触发.{0,6}(限流|限速)"
)
"""Too much was asked for in too short a time, told with another status than 429."""

RATE_LIMITED: Final = any_of(
    r"rate[_ -]?limit|too[_ -]?many[_ -]?requests|throttl|resource_?exhausted"
    r"|请求(过于)?(频繁|过多|太快)|限流|并发.{0,6}(过高|超|限)|频率"
)

_TOKENS: Final = r"(tok[eé]n|jeton|токен|トークン|토큰)"
_CONTEXT: Final = (
    r"(\bkontext|\bcontexte|\bcontexto|\bcontesto|\bkontekst|контекст|コンテ[キク]スト|컨텍스트)"
)
_LENGTH: Final = (
    r"(läng|laeng|größ|groess|fenster|longueur|taille|fen[êe]tre|longitud|tamañ|tamanh|ventana"
    r"|comprimento|janela|lunghezza|dimension|finestra|lengte|venster|długo|limit|длин|размер|окн"
    r"|長|サイズ|길이|크기)"
)
_TOO: Final = (
    r"(\bzu viel|\btrop de|\bdemasiad|\bmuit|\btropp|\bte veel|\bza dużo|\bzbyt wiele"
    r"|слишком много|너무 많)"
)

TOO_LONG: Final = any_of(
    r"context_?length_?exceeded|exceed_?context_?size|context[ _-]?(length|window|size"
    r"|limit)|prompt is too long|tokens?[_ ]limit[_ ](reached|exceeded)|string_above_max_length"
    r"|max_?seq_?len|contextwindowexceeded"
    r"|\b(input|prompt|messages?|request)\b.{0,40}\b(exceeds?|exceeded|longer than"
    r"|too many tokens|too long|too large)\b|input length|reduce the length"
    r"|exceeded model token limit"
    r"|\btokens\b.{0,40}\bmust be (<|<=|less than|at most|smaller)"
    r"|(payload|entity|body|content) (is )?too (large|long)"
    r"|maximum (prompt|input|context|sequence|allowed) (length|tokens?|size)"
    r"|too many (input )?tokens|(上下文|输入|輸入|提示词|提示詞|prompt|文本|消息|訊息).{0,12}"
    r"(超(过|過|出|长|長|限)|过长|過長|太长|太長)|长度.{0,8}(超|限)",
    r"\bn_ctx\b|\bcontext shift\b|\bin the kv[- ]?cache\b",
    rf"{_TOKENS}.{{0,40}}\d{{3}}\W{{0,5}}>=?.{{0,40}}\d{{3}}|\d{{3}}.{{0,20}}{_TOKENS}.{{0,20}}>.{{0,40}}\d{{3}}",
    rf"{_CONTEXT}.{{0,60}}(\d{{3}}|{_LENGTH})|(\d{{3}}|{_LENGTH}).{{0,60}}{_CONTEXT}",
    rf"{_TOO}.{{0,20}}{_TOKENS}"
    r"|\bzu (lang|gro(ß|ss))|\btrop (long|grand)|\b(demasiado|muito|troppo) (larg|long|lung|grand)"
    r"|слишком (длин|больш)|長すぎ|大きすぎ|너무 (길|깁|긴|큽|큰)|\bte lang\b|\bza dług",
)
"""The question is longer than the model can read: in English and Chinese in many words, in other
languages by those for context, its length, tokens and too much."""

GREETING: Final = any_of(
    r"\bwelcome to\b|\A.{0,40}\bis (up and )?running\b.{0,20}\Z|\bit works\b|\bhello,? world\b"
    r"|\bapi (is )?(online|up|alive|ready)\b"
)
"""What stands at the root of a server, told with 200."""

WRONG_ADDRESS: Final = any_of(
    r"unexpected endpoint|invalid url|no route|cannot (post|get)\b|unknown (path|endpoint"
    r"|route|url)|page not found|(path|endpoint|route|url) not found|no such (path|endpoint"
    r"|route)|unknown request url|not found.{0,20}/chat/completions"
    r"|wrong api endpoint|接口不存在|路径不存在|无效的(路径|接口|url)"
)

WANTS_TLS: Final = any_of(
    r"\bhttp (request )?(was sent )?to (an? )?(https|ssl|tls)\b|\bhost and port requires tls\b"
    r"|\bmust be accessed over https\b"
)
"""It was asked without TLS: nginx, Go, Apache, Tomcat."""

UNSUPPORTED: Final = any_of(
    r"unsupported_(parameter|value)|unknown_parameter|extra_forbidden|unsupportedparams",
    r"(unsupported|unknown|unrecognized) (parameter|value|argument|field)"
    r"|extra inputs are not permitted|argument not supported|does not support parameters",
)

DRAFT_REFUSED: Final = any_of(
    r"json_?validate_?failed|failed to (generate|validate) json"
    r"|generated json does not match|failed_generation|output_parse_failed"
    r"|json_generation_failed|could not finish the message because"
)
"""The model's own answer was no JSON, or has no end, and the server says so in its place."""

DRAFT_CUT: Final = any_of(
    r"max(imum)? (completion )?tokens (was |were )?reached|output limit was reached"
    r"|before generating a valid|truncated"
)

PASSING_PAGE: Final = any_of(
    r"\b50\d\b|\b52\d\b|bad gateway|unavailable|time-?out|timed out|starting|loading|maintenance"
    r"|just a moment|try again|be right back|wird gestartet|维护|稍后"
)
"""A web page that stands there for now, such as a proxy's whose server is starting."""
