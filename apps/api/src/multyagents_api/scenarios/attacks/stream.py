"""Reading a stream of events until it has nothing more to tell."""

import http.client
from urllib.parse import urlsplit

__all__ = ["read_stream"]

QUIET_S = 0.3
"""How long a stream must be silent to have told what there was: stored events come at once."""
MOST_BYTES = 8 * 1024 * 1024


def read_stream(base_url: str, address: str, token: str) -> str:
    """What a stream of server-sent events tells from its beginning until it falls silent."""
    parts = urlsplit(base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=QUIET_S)
    told = bytearray()
    try:
        connection.request("GET", address, headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        while len(told) < MOST_BYTES and (some := answer.read1()):
            told += some
    except TimeoutError:
        pass
    finally:
        connection.close()
    return told.decode(errors="replace")
