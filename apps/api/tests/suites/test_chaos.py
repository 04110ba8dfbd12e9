"""The chaos suite of the API: the service as it is passes, and each drill sees the fault that is its own."""

import sys
from dataclasses import replace

import pytest

from gatewright.core.verdict import Verdict
from multyagents_api.chaos import PROFILES, ChaosConfig, run_chaos_suite
from multyagents_api.scenarios.chaos_stage import Amount

pytestmark = pytest.mark.end_to_end

PLANTS = """
import asyncio, sys, runpy
from multyagents_api.scenarios.planting import replaced, weakened
"""
