"""A module that reads clocks and chance through references of its own, as services do."""

import random
import secrets
import time as clock
import uuid
from datetime import UTC, datetime
from time import monotonic
from uuid import uuid4


def readings() -> list[str]:
    return [
        datetime.now(UTC).isoformat(),
        str(clock.time()),
        str(clock.time_ns()),
        str(monotonic()),
        str(uuid4()),
        str(uuid.uuid4()),
        str(random.random()),
        secrets.token_hex(4),
    ]


def moment() -> int:
    return clock.time_ns()
