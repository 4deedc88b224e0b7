"""How a connection to PostgreSQL is encrypted, and what is checked: libpq's words, kept by us."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from core.addresses.postgres import own_root
from core.addresses.text import AddressError

if TYPE_CHECKING:
    from core.addresses.postgres import PostgresAddress

_ALPN: Final = "postgresql"
_VERSIONS: Final = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_FALL_BACK: Final = ("allow", "prefer")
_PASSED_ON: Final = ("sslcert", "sslkey", "sslpassword")


class _NamedContext(ssl.SSLContext):
    """Checks a certificate against a name of its own: with `hostaddr` we connect to a number."""

    name: str | None = None

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **{**kwargs, "server_hostname": self.name})


def tls_arguments(address: PostgresAddress) -> dict[str, Any]:
    """Return asyncpg's arguments for an address's TLS.

    `allow` and `prefer` fall back to another kind of connection, which only the driver can do:
    those go to it by name, in a bare address. All others get a context of our own, so that nothing
    of the environment (`PGSSLMODE`, `PGSSLROOTCERT` …) has a say.

    Raises:
        AddressError: A certificate or key cannot be used.
    """
    given = address.parameters
    if address.tls_mode == "disable" or all(host.startswith("/") for host, _ in address.hosts):
        return {"ssl": False, "direct_tls": False}
    if address.tls_mode in _FALL_BACK:
        files: dict[str, str] = {name: given[name] for name in _PASSED_ON if name in given}
        return {"ssl": address.tls_mode, "direct_tls": False} | (
            {"dsn": f"postgresql://?{urlencode(files)}"} if files else {}
        )
    direct = given.get("sslnegotiation") == "direct"
    try:
        return {"ssl": _context(address), "direct_tls": direct}
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None)
        raise AddressError(
            f"has a certificate or key that cannot be used ({reason or 'not PEM'}): look at"
            " sslrootcert, sslcert, sslkey and sslpassword"
        ) from None


def _context(address: PostgresAddress) -> ssl.SSLContext:
    given, mode = address.parameters, address.tls_mode
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    if given.get("hostaddr"):
        context.name = address.hosts[0][0]
    context.check_hostname = mode == "verify-full"
    root = given.get("sslrootcert") or (str(own_root()) if own_root().is_file() else "")
    if root and root != "system":
        context.load_verify_locations(cafile=root)
    elif mode == "verify-full":
        context.load_default_certs()  # libpq wants `system` said for this
    else:
        context.verify_mode = ssl.CERT_NONE  # `require` without an authority to hold it against
    if given.get("sslcrl"):
        context.load_verify_locations(cafile=given["sslcrl"])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if given.get("sslcert"):
        password = given.get("sslpassword", "")
        context.load_cert_chain(given["sslcert"], given.get("sslkey"), lambda: password)
    context.minimum_version = _version(given, "ssl_min_protocol_version", "TLSv1.2")
    if given.get("ssl_max_protocol_version"):
        context.maximum_version = _version(given, "ssl_max_protocol_version", "TLSv1.3")
    context.set_alpn_protocols([_ALPN])
    return context


def _version(given: dict[str, str], name: str, default: str) -> ssl.TLSVersion:
    version = _VERSIONS.get(given.get(name) or default)
    if version is None:
        raise AddressError(f"needs as {name} one of {', '.join(_VERSIONS)}")
    return version
