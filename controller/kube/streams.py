"""The lines of a watch, as they arrive. No decoding, no reconnecting: the informer does both."""

from __future__ import annotations

import typing as t

from model.errors import ApiUnavailable

if t.TYPE_CHECKING:
    import urllib3

LONGEST_LINE = 32 * 1024 * 1024
"""Bytes of one event: twenty times etcd's largest object, so that a server gone mad cannot fill the memory."""


class WatchStream:
    """An open watch; `close` from another thread ends the iteration."""

    def __init__(self, response: urllib3.BaseHTTPResponse, what: str) -> None:
        self._response, self._what = response, what
        self._closed = False

    def __iter__(self) -> t.Iterator[bytes]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> t.Iterator[list[bytes]]:
        """Yield the complete lines of each piece that arrives; ends when the server ends the stream.

        Raises:
            ApiUnavailable: the stream was cut, was silent for too long, or ended in the middle of a line.
        """
        rest = b""
        for chunk in self._chunks():
            *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
            if len(rest) > LONGEST_LINE:
                raise ApiUnavailable(f"{self._what}: an event is larger than {LONGEST_LINE} bytes")
            if found := [line for line in lines if line.strip()]:
                yield found
        if rest.strip() and not self._closed:
            raise ApiUnavailable(f"{self._what}: the stream ended in the middle of an event")

    def _chunks(self) -> t.Iterator[bytes]:
        import urllib3

        try:
            yield from self._response.stream(1 << 16)
        except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError) as error:
            if not self._closed:
                raise ApiUnavailable(f"{self._what}: the stream was cut: {type(error).__name__}") from None
        finally:
            self._response.close()

    def close(self) -> None:
        """End the stream; safe to call from another thread and more than once."""
        self._closed = True
        try:
            self._response.shutdown()
        except (OSError, ValueError, AttributeError, RuntimeError):
            self._response.close()
