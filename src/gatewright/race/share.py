"""A shard's share of an exploration: the same split everywhere, without the shards talking to each other."""

import hashlib
import re
from dataclasses import dataclass

from gatewright.core.errors import ConfigurationError

__all__ = ["WHOLE", "Share", "read_share"]

MOST_SHARDS = 10_000


@dataclass(frozen=True, slots=True)
class Share:
    """Shard `index` (from 1) of `count`; numbers go round in turn, subtrees of schedules by their names."""

    index: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def is_whole(self) -> bool:
        """Whether there is only this shard."""
        return self.count == 1

    def numbers(self, total: int) -> range:
        """Which of the numbers below `total` are this shard's."""
        return range(self.index - 1, total, self.count)

    def owns(self, name: str) -> bool:
        """Whether what has this name is this shard's."""
        digest = hashlib.sha256(name.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1


WHOLE = Share()


def read_share(text: str) -> Share:
    """Read `2/8`.

    Raises:
        ConfigurationError: it is no shard.
    """
    found = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", text)
    index, count = (int(part) for part in found.groups()) if found else (0, 0)
    if not 1 <= index <= count <= MOST_SHARDS:
        raise ConfigurationError(f"{text!r} is no shard", remedy="say which of how many, as in 2/8")
    return Share(index, count)
