"""Redis's and RabbitMQ's addresses, and what Celery is told of them."""

from __future__ import annotations

import ssl

import pytest

from core.addresses import AddressError, broker_address, celery_options, redis_address

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("redis://h", "redis://h:6379/0"),
        ("redis://u:a@b/c@h:1/3", "redis://u:a%40b%2Fc@h:1/3"),
        ("redis://[::1]/1", "redis://[::1]:6379/1"),
        ("redis://h?db=2&protocol=3&socket_timeout=9", "redis://h:6379/2?protocol=3"),
        ("rediss://:p@h", "rediss://:p@h:6379/0?ssl_cert_reqs=required"),
        ("redis://h?ssl=true", "rediss://h:6379/0?ssl_cert_reqs=required"),
        ("unix:///run/r.sock?db=1", "unix:///run/r.sock?db=1"),
        ("redis+socket://:p@/run/r.sock?virtual_host=2", "unix://:p@/run/r.sock?db=2"),
        ("redis+sentinel://:p@a,b:2/m/1", "redis+sentinel://:p@a:26379,b:2/m/1"),
        ("sentinel://a:1;sentinel://b:2/3?master_name=m", "redis+sentinel://a:1,b:2/m/3"),
        ("redis-sentinel://:p@h:1/2#m", "redis+sentinel://:p@h:1/m/2"),
        ("rediss+sentinel://h/m", "rediss+sentinel://h:26379/m/0?ssl_cert_reqs=required"),
        (
            "h.example:6380,password=a=b=,ssl=True,abortConnect=False",
            "rediss://:a%3Db%3D@h.example:6380/0?ssl_cert_reqs=required",
        ),
        (
            "redis-cli --tls -u redis://default:p@h:1",
            "rediss://default:p@h:1/0?ssl_cert_reqs=required",
        ),
        ("amqp://", "amqp://guest:guest@localhost:5672/%2F"),
        ("amqp://u:p@h//", "amqp://u:p@h:5672/%2F"),
        ("pyamqp://u:p#w@h/v", "amqp://u:p%23w@h:5672/v"),
        ("amqps://u:p@h/%2Fv?heartbeat=9", "amqps://u:p@h:5671/%2Fv"),
        ("amqp://u:p@a:1;amqp://u:p@b:2/v", "amqp://u:p@a:1,b:2/v"),
    ],
)
def test_spellings(given: str, url: str) -> None:
    """Every usual spelling becomes the one that all parts of the program read alike."""
    assert broker_address(given).url == url
    assert broker_address(url) == broker_address(given)


@pytest.mark.parametrize("spelling", ["none", "None", "CERT_NONE", "0", "false"])
def test_both_spellings_of_no_check(spelling: str) -> None:
    """redis-py's and kombu's words for an unchecked certificate mean the same, to both."""
    url = f"rediss://h?ssl_cert_reqs={spelling}"
    assert redis_address(url).parameters["ssl_cert_reqs"] == "none"
    assert celery_options(url)["broker_use_ssl"]["ssl_cert_reqs"] == ssl.CERT_NONE


def test_celery_is_told_the_same() -> None:
    """Certificates, Sentinels and nodes reach Celery as its transports want them."""
    assert celery_options("unix:///r.sock?db=3")["broker_url"].startswith("redis+socket:///r.sock")
    by_sentinel = celery_options("redis+sentinel://:p@a,b/m/1?sentinel_password=s")
    assert by_sentinel["broker_url"] == "sentinel://:p@a:26379/1;sentinel://:p@b:26379/1"
    assert by_sentinel["broker_transport_options"]["master_name"] == "m"
    assert by_sentinel["broker_transport_options"]["sentinel_kwargs"]["password"] == "s"
    checked = celery_options("amqps://u:p@h/")["broker_use_ssl"]
    assert checked == {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}
    assert "broker_use_ssl" not in celery_options("amqp://u:p@h/")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (f"http://:{SECRET}@h", "must begin with redis://"),
        (f"redis://:{SECRET}@h/zero", "number as its database"),
        (f"redis://:{SECRET}@h:x/0", "port"),
        (f"redis://:{SECRET}@a,b/0", "only one host"),
        (f"redis+cluster://:{SECRET}@h", "Cluster"),
        (f"redis+sentinel://:{SECRET}@h:1/0", "what the Sentinels call"),
        (f"redis://:{SECRET}@h?sll=1", "sll; did you mean ssl"),
        (f"rediss://:{SECRET}@h?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
        (f"rediss://:{SECRET}@h?ssl_ca_certs=/no/file", "/no/file"),
        (f"unix://:{SECRET}@host", "whole path"),
        (f"amqps://u:{SECRET}@h/?verify=perhaps", "verify_peer"),
        (f"amqp://u:{SECRET}@h/?unheard=1", "unheard"),
    ],
)
def test_refusals(given: str, why: str) -> None:
    """What cannot be used is refused with its reason, and without the password."""
    with pytest.raises(AddressError) as caught:
        broker_address(given)
    assert why in str(caught.value)
    assert SECRET not in str(caught.value)
