"""The API with a slow path: a share of new runs waits before it is created.

Usage: python benchmarks/slow_path_api.py SHARE MEDIAN_MS SIGMA serve ...
From `serve` on it is used as `python -m multyagents_api`. The wait is lognormal; with SIGMA 0 it is fixed.
"""

import asyncio
import math
import random
import sys

from multyagents_api import __main__ as service

SEED = 1


class SlowPath:
    """Middleware that delays some requests that create a run, by chance with a fixed seed."""

    def __init__(self, app, share, median_s, sigma):
        self.app = app
        self.share = share
        self.median_s = median_s
        self.sigma = sigma
        self.draws = random.Random(SEED)

    async def __call__(self, scope, receive, send):
        creates = scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/workflow-runs")
        if creates and self.draws.random() < self.share:
            await asyncio.sleep(self.median_s * math.exp(self.sigma * self.draws.gauss(0, 1)))
        await self.app(scope, receive, send)


def main(share, median_s, sigma, arguments):
    """Serve as the API does, with the middleware around it."""
    create_app = service.create_app

    def create_slow_app(settings):
        app = create_app(settings)
        app.add_middleware(SlowPath, share=share, median_s=median_s, sigma=sigma)
        return app

    service.create_app = create_slow_app
    return service.main(arguments)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), float(sys.argv[2]) / 1e3, float(sys.argv[3]), sys.argv[4:]))
