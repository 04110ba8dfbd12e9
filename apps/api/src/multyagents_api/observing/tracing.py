"""Whether the standard variables of OpenTelemetry ask for traces; what makes them is imported only then.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multyagents_api.observing.spans import Tracing

__all__ = ["are_traces_wanted", "open_tracing"]

ASKING = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"

_log = logging.getLogger(__name__)


def are_traces_wanted(environment: Mapping[str, str]) -> bool:
    """Whether a place to send them to, or a way of sending them, is set."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(environment.get(name) for name in ASKING)


def open_tracing(environment: Mapping[str, str], version: str) -> "Tracing | None":
    """What makes spans and exports them; where it can't be, None, and one warning that says why."""
    exporter = environment.get("OTEL_TRACES_EXPORTER") or "otlp"
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), SPOKEN)
    if exporter != "otlp":
        _log.warning("no traces: OTEL_TRACES_EXPORTER is %r, but must be otlp or none", exporter[:40])
        return None
    if protocol != SPOKEN:
        _log.warning("no traces: the OTLP protocol is set to %r, but must be %s", protocol[:40], SPOKEN)
        return None
    try:
        from multyagents_api.observing.spans import exporting  # noqa: PLC0415 - an extra, and 0.3 s
    except ModuleNotFoundError:
        _log.warning("no traces: OTEL_* ask for them, but need pip install 'multyagents-api[otel]'")
        return None
    return exporting(version)
