"""What may stand after `?` in Redis's address: redis-py's names, kombu's, and other clients'."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.addresses.text import AddressError

TLS_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
TLS: Final = (
    "ssl_cert_reqs", "ssl_check_hostname", "ssl_password", "ssl_min_version", "ssl_ca_path",
    *TLS_FILES,
)  # fmt: skip
"""What goes to the client as it is, once its spelling is known."""
OTHERS: Final = (
    "ssl", "tls", "db", "virtual_host", "username", "password", "protocol",
    "sentinel_username", "sentinel_password",
)  # fmt: skip
MASTER: Final = ("master_name", "master", "service_name", "sentinelMasterId", "sentinel_master")
IGNORED: Final = frozenset(
    (
        # time limits, pools and names are the program's own, for each of its uses
        "socket_timeout", "socket_connect_timeout", "timeout", "retry_on_timeout", "retry_on_error",
        "socket_keepalive", "socket_read_size", "health_check_interval", "max_connections",
        "client_name", "decode_responses", "encoding", "encoding_errors", "lib_name",
        "lib_version", "single_connection_client", "legacy_responses", "family",
    )
)  # fmt: skip
KNOWN: Final = frozenset((*TLS, *OTHERS, *MASTER)) | IGNORED
_CHECKS: Final = {
    "none": "none", "cert_none": "none", "0": "none", "false": "none", "no": "none",
    "optional": "optional", "cert_optional": "optional", "1": "optional",
    "required": "required", "cert_required": "required", "2": "required", "true": "required",
}  # fmt: skip
_YES: Final = {"1": True, "true": True, "yes": True, "on": True}
_NO: Final = {"0": False, "false": False, "no": False, "off": False, "": False}


def checked(query: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the parameters that are used, by one name each.

    Raises:
        AddressError: One is unknown, or means nothing.
    """
    found: dict[str, str] = {}
    for name, value in query:
        if name not in KNOWN:
            raise AddressError(_unknown(name))
        if name not in IGNORED:
            found["master_name" if name in MASTER else name] = value.strip()
    if "ssl_cert_reqs" in found:
        found["ssl_cert_reqs"] = _CHECKS.get(found["ssl_cert_reqs"].lower(), "")
        if not found["ssl_cert_reqs"]:
            raise AddressError("needs as ssl_cert_reqs none, optional or required")
    for name in ("ssl_check_hostname", "ssl", "tls"):
        if name in found:
            found[name] = str(yes(name, found[name])).lower()
    if found.get("protocol", "2") not in ("2", "3"):
        raise AddressError("needs as protocol 2 or 3")
    if not found.get("ssl_min_version", "771").isdigit():
        raise AddressError("needs as ssl_min_version a number, such as 771 for TLS 1.2")
    _check_files(found)
    return found


def _check_files(given: dict[str, str]) -> None:
    if any(name in given for name in TLS_FILES):
        from core.addresses.certificates import check_files  # few addresses name any

        check_files(
            given,
            authorities=("ssl_ca_certs",),
            certificate="ssl_certfile",
            key="ssl_keyfile",
            password="ssl_password",  # noqa: S106 - the parameter's name
        )
    if given.get("ssl_ca_path") and not Path(given["ssl_ca_path"]).is_dir():
        raise AddressError("has as ssl_ca_path no folder")


def yes(name: str, value: str) -> bool:
    """Return what a yes-or-no parameter says.

    Raises:
        AddressError: It says neither.
    """
    said = (_YES | _NO).get(value.lower())
    if said is None:
        raise AddressError(f"needs as {name} true or false")
    return said


def database(text: str) -> int:
    """Return the number of a database.

    Raises:
        AddressError: It is no number.
    """
    digits = text.strip("/")
    if not digits:
        return 0
    if not digits.isascii() or not digits.isdigit():
        raise AddressError("needs a number as its database, as in redis://host:6379/0")
    return int(digits)


def _unknown(name: str) -> str:
    import difflib

    if not name.isascii() or not name.replace("_", "").isalnum():
        return "has something after the ? that is no parameter"
    close = difflib.get_close_matches(name, sorted(KNOWN - IGNORED), n=1)
    hint = f"; did you mean {close[0]}?" if close else "; take it out"
    return f"has the unknown parameter {name[:40]}{hint}"
