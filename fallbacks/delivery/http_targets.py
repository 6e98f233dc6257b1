"""Which addresses outcomes may go to: a webhook URL must not be a way into the network it is sent from."""

import asyncio
import ipaddress
import socket

import httpx

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class TargetRefused(Exception):
    """The name has no address that may be called. The message is one line for the operator."""


async def checked_address(host: str, port: int, *, allow_private: bool) -> str:
    """Resolve a host to one address that may be called. The caller connects to this address, not to the name:
    a name that answers differently a moment later gains nothing. Raises `TargetRefused`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TargetRefused(f"{host} has no address: {error.strerror or error}") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    refused = [address for address in addresses if not allow_private and not is_public(address)]
    if refused or not addresses:  # one private answer among public ones is an attack or a mistake
        where = refused[0] if refused else "nothing"
        raise TargetRefused(f"{host} is at {where}, which is not public; DESKHAND_WEBHOOK_ALLOW_PRIVATE=true allows it")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether the address, and any IPv4 address wrapped in it, is one of the open Internet."""
    ip = ipaddress.ip_address(address)
    wrapped: ipaddress.IPv4Address | None = None
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if wrapped is not None:
        return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast


def why(error: Exception) -> str:
    """Why a call failed. What cannot stand in a header may be a secret, and the library quotes it."""
    if isinstance(error, httpx.LocalProtocolError):
        return "LocalProtocolError: a header holds what no header can"
    return f"{type(error).__name__}: {error}"
