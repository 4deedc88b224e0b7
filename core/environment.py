"""Drops other programs' variables from the environment, for this process and its children.

A machine has one environment for many programs. `CELERY_BROKER_URL` of another project would have
Celery connect to that project's broker, whatever our settings say; libpq's and uvicorn's variables
change what we connect to or whom we believe; a proxy is asked for addresses on this machine.
"""

from __future__ import annotations

import fnmatch
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

NOT_OURS: Final = (
    "CELERY_*", "C_FORCE_ROOT", "FORKED_BY_MULTIPROCESSING",  # may be meant for another project
    "PG[A-Z]*",  # libpq's: only our settings count
    "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "UVICORN_*",  # uvicorn's: our settings decide
)  # fmt: skip
"""What is taken out of our own environment at start."""

CHILDREN: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR",
    "TMPDIR", "TEMP", "TMP", "XDG_*", "TERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "HOSTNAME",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_*", "MALLOC_*", "SYSTEMROOT", "VIRTUAL_ENV",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "OTEL_*", "PROMETHEUS_MULTIPROC_DIR", "COVERAGE_*", "COV_CORE_*",
    "PYTHONPATH", "PYTHONHASHSEED", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONMALLOC", "PYTHONFAULTHANDLER",
    "PYTHONTRACEMALLOC", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE",
)  # fmt: skip
"""What the processes of a stack get of ours, besides the settings and PASS_ENVIRONMENT."""

STARTED_IN: Final = "_ROADMAP_STARTED_IN"
"""Tells the processes of a stack the folder in which `roadmap up` was called; theirs is another."""

_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_MAY_BE_FOLDERS: Final = _CERTIFICATES[1:]
_IN_PEM: Final = b" CERTIFICATE-----"
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def for_children(environment: Mapping[str, str], *, also: Iterable[str] = ()) -> dict[str, str]:
    """Return the part of an environment that a stack's processes get.

    Args:
        environment: Ours.
        also: Further names, or patterns such as `SHOP_*`.
    """
    wanted = (*CHILDREN, *also)
    env = {
        name: value
        for name, value in environment.items()
        if any(fnmatch.fnmatchcase(name, each) for each in wanted)
    }
    if "PYTHONPATH" in env:
        env["PYTHONPATH"] = _from_here(env["PYTHONPATH"])
    return env


def _from_here(path: str) -> str:
    """Return a search path that means the same in another working folder, as children have."""
    folders = [folder for folder in path.split(os.pathsep) if folder]
    return os.pathsep.join(map(os.path.abspath, folders))


def leave_behind(environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """Take out of the environment what other programs have put there; return what is wrong in it.

    A file of certificates that is not there or has none is left out as well: whoever needs one
    would fail with an error that does not name it. Addresses on this machine are never asked of a
    proxy.
    """
    for name in list(environment):
        if any(fnmatch.fnmatchcase(name, each) for each in NOT_OURS):
            del environment[name]
    wrong = []
    for name in _CERTIFICATES:
        path = environment.get(name)
        if path is not None and (why := _why_useless(name, path)) is not None:
            del environment[name]
            if path:
                wrong.append(f"{name} names {path}, which {why}; it is left out")
    if any(each.lower().endswith("_proxy") for each in environment):
        _spare_loopback(environment)
    return wrong


def _why_useless(name: str, path: str) -> str | None:
    """Return why nobody can read certificates there, by a quick look: each command takes it."""
    if name in _MAY_BE_FOLDERS and os.path.isdir(path):  # noqa: PTH112 - pathlib takes long to load
        return None
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            return None if _IN_PEM in file.read() else "has no certificate in PEM form"
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _spare_loopback(environment: MutableMapping[str, str]) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        known = [each.strip() for each in environment.get(name, "").split(",") if each.strip()]
        if "*" not in known:
            missing = [each for each in _LOOPBACK if each not in known]
            environment[name] = ",".join([*known, *missing])
