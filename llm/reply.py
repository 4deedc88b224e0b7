"""Reads a chat completion: a plain body, or a stream of chunks, whichever the server sends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.provider_errors import ContentInvalidError, ProviderAddressError
from core.usage import Usage, usage_in
from llm import finish
from llm.answers import LARGEST_ANSWER, is_whole
from llm.chunks import (
    Event,
    choice_in,
    chunks_in,
    completion_in,
    index_of,
    lines_of,
    ordinary_piece,
    unwrapped,
    without_mark,
)
from llm.failures import TransientError, failure_told, is_notice, unavailable
from llm.message import Said
from llm.other_apis import other_api
from llm.reading.texts import decoded
from llm.told import error_in, told_in_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LARGEST_BODY: Final = 8_000_000
"""Bytes: the largest answer, escaped, and some room. What is longer is not read to its end."""

_FIELD: Final = re.compile(rb"(data|event|id|retry)?:")
_LONGEST_FIELD: Final = len(b"event:")
_FIELDS: Final = frozenset({b"data", b"event", b"error"})
_END: Final = b"[DONE]"
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONGEST_WORDS: Final = 1000
"""What is longer is no sentence of a server that stands at another address."""
_LAST_SIGNS: Final = "}]`~>"
"""What an answer ends with; blanks may follow."""
_HIGH: Final = "\ud800", "\udbff"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What counts in a provider's answer.

    `usage` is what the server tells; nothing is estimated. `whole` is False for a
    stream that ended without saying that it does, unless we stopped reading.
    """

    content: str
    finish_reason: str
    """`stop`, `length`, `content_filter` or `error`, whatever the vendor calls it; "" for none."""
    refusal: str
    usage: Usage
    whole: bool = True
    thoughts: str = ""
    arguments: tuple[str, ...] = ()
    """Of calls of tools, which some models answer by."""

    def texts(self) -> Iterator[str]:
        """Yield where the answer may stand, the likeliest first."""
        yield from filter(str.strip, (self.content, *self.arguments, self.thoughts))


class ReplyReader:
    """Takes the bytes of an answer as they come, and hands out its content piece by piece.

    Whether it is a stream is seen from what comes and not from what was asked for: servers ignore
    `stream`, and some stream unasked.
    """

    def __init__(
        self, *, key: str, media_type: str = "", on_content: Callable[[str], None] | None = None
    ) -> None:
        """Begin to read.

        Args:
            key: The API key, to be cut out of what an error echoes.
            media_type: What the server says it sends; believed about a stream that begins oddly.
            on_content: Called with each new piece of a stream's content. A plain body has none.
        """
        self._key = key
        self._media_type = media_type.lower()
        self._on_content = on_content
        self._streamed: bool | None = None
        self._buffer = bytearray()
        self._pieces: list[str] = []
        self._half = ""
        self._size = 0
        self._said = Said()
        self._finish_reason = ""
        self._usage = Usage()
        self._chunks = 0
        self._index: Any = None
        self._notice: TransientError | None = None
        self._done = False
        self._event = Event()

    @property
    def ended(self) -> bool:
        """Whether a stream said that this was all; its tokens may still follow."""
        return self._done or bool(self._finish_reason)

    @property
    def complete(self) -> bool:
        """Whether the answer is there, too: some servers tell that it ends with each chunk."""
        if self._done or self._finish_reason != finish.DONE:
            return self.ended
        last = self._pieces[-1].rstrip()[-1:] if self._pieces else "-"
        return last in _LAST_SIGNS and is_whole("".join(self._pieces))

    def feed(self, data: bytes) -> bool:
        """Take some bytes and tell whether more are wanted.

        Raises:
            ProviderError: The answer is far too long, or says that something went wrong for good.
            TransientError: It says that something went wrong for now.
        """
        self._buffer += data
        if self._streamed is None:
            self._streamed = self._is_stream()
            if self._streamed:
                self._buffer = without_mark(self._buffer)
        if self._streamed:
            self._read_lines(len(data))
        if len(self._buffer) > _LARGEST_BODY:
            raise ContentInvalidError(f"{ContentInvalidError.__doc__} (far too long)")
        return self._size <= LARGEST_ANSWER

    def reply(self) -> Reply:
        """Return the answer when its last byte was taken.

        Raises:
            TransientError: It is no chat completion, such as the page of a proxy that is starting.
            ProviderError: It is an error that another try cannot get past.
        """
        if not self._streamed:
            return self._body()
        self._read_line(bytes(self._buffer))
        self._read_line(b"")
        if self._notice is not None and not (self._chunks and self.ended):
            raise self._notice
        if not self._chunks:
            raise unavailable("its stream has no choices")
        return Reply(
            content="".join(self._pieces) + self._half,
            finish_reason=self._finish_reason,
            refusal=self._said.refusal,
            usage=self._usage,
            whole=self.ended or self._size > LARGEST_ANSWER,
            thoughts=self._said.thoughts,
            arguments=tuple(self._said.arguments.values()),
        )

    def _is_stream(self) -> bool | None:
        """Tell a stream from a body by how it begins; None while too little is there."""
        begun = without_mark(self._buffer)
        declared = self._media_type.startswith("text/event-stream")
        if _FIELD.match(begun) or (declared and begun and not begun.startswith(b"{")):
            return True
        return False if len(begun) >= _LONGEST_FIELD else None

    def _body(self) -> Reply:
        text = decoded(self._buffer, self._media_type).strip().removeprefix("\ufeff")
        try:
            data = completion_in(text)
        except ValueError:
            return self._no_json(text)
        choice = self._choice(data)
        message = (choice.get("message") or choice.get("delta")) if choice else None
        if choice is None or not (isinstance(message, dict) or "text" in choice):
            raise unavailable("its answer has no choices")
        said = Said()
        content = said.hear(message or {"content": choice.get("text")})
        return Reply(
            content=content,
            finish_reason=finish.finish_in(choice),
            refusal=said.refusal,
            usage=usage_in(data),
            thoughts=said.thoughts,
            arguments=tuple(said.arguments.values()),
        )

    def _no_json(self, text: str) -> Reply:
        """Read what is no JSON: chunks line by line, without the dress of a stream, or words.

        Raises:
            TransientError: It says nothing that is known.
            ProviderError: It says what is wrong, such as the page at a wrong address.
        """
        if chunks := chunks_in(text):
            self._streamed = True
            self._buffer.clear()
            for chunk in chunks:
                self._take(chunk)
            return self.reply()
        failure = failure_told(told := told_in_text(text), key=self._key)
        of_server = len(text) <= _LONGEST_WORDS and '"choices"' not in text  # else the model's own
        if told.page or (of_server and not isinstance(failure, TransientError)):
            raise failure
        raise unavailable("its answer is not JSON")

    def _read_lines(self, new: int) -> None:
        lines, self._buffer = lines_of(self._buffer, new)
        for line in lines:
            self._read_line(line)

    def _read_line(self, line: bytes) -> None:
        """Take one line of a stream; what is no chunk is passed over."""
        if not (self._done or self._event.begun or self._index):
            if not line:
                return
            if (piece := ordinary_piece(line)) is not None:
                self._chunks += 1
                self._index = 0
                self._add(piece)
                return
        line = line.strip()
        # an error is often sent without the dress of a stream
        name, _, value = (b"data:" + line if line.startswith(b"{") else line).partition(b":")
        if self._done or (name and name not in _FIELDS):
            return
        if value.strip() == _END:
            self._done = True
            return
        for chunk in self._event.field(name, value) if name else self._event.ends():
            self._take(chunk)

    def _take(self, chunk: Any) -> None:
        """Take a chunk, or several in a list; what has no choice may tell tokens."""
        if isinstance(chunk, list) and error_in(chunk) is None:
            for part in chunk:
                if isinstance(part, dict):
                    self._take(part)
            return
        chunk = unwrapped(chunk)
        try:
            choice = self._choice(chunk)
        except TransientError as failure:
            if not is_notice(chunk, failure):
                raise
            self._notice = failure
            return
        usage = usage_in(chunk)
        if usage.tokens >= self._usage.tokens:  # some servers send a growing sum with each chunk
            self._usage = usage
        if choice is None:
            return
        self._chunks += 1
        self._index = index_of(choice)
        self._finish_reason = finish.finish_in(choice) or self._finish_reason
        self._hear(choice)

    def _hear(self, choice: dict[str, Any]) -> None:
        """Take what a chunk adds; some servers end a stream with the whole message again."""
        delta = choice.get("delta")
        if not isinstance(delta, dict) or not delta:
            message = choice.get("message")
            again = self._pieces or not isinstance(message, dict)
            delta = {"content": choice.get("text")} if again else message
        self._add(self._said.hear(delta))

    def _choice(self, data: Any) -> dict[str, Any] | None:
        """Return the choice that is the answer, if there is one.

        Raises:
            TransientError: There is an error instead, for now.
            ProviderError: There is one for good.
        """
        if not self._chunks and (elsewhere := other_api(data)) is not None:
            raise ProviderAddressError(elsewhere)
        if (told := error_in(data)) is not None:
            raise failure_told(told, key=self._key)
        return choice_in(data, self._index)

    def _add(self, piece: str) -> None:
        """Keep a piece; a character whose halves came in two pieces is made whole first."""
        if self._half or not piece.isascii():
            piece = _PAIR.sub(_character, self._half + piece)
            self._half = ""
        if piece and _HIGH[0] <= piece[-1] <= _HIGH[1]:
            piece, self._half = piece[:-1], piece[-1]
        if not piece:
            if self._said.arguments and self._on_content is not None:
                self._on_content("")  # it is a stream, though not of text
            return
        self._size += len(piece)
        self._pieces.append(piece)
        if self._on_content is not None:
            self._on_content(piece)


def _character(halves: re.Match[str]) -> str:
    return halves[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
