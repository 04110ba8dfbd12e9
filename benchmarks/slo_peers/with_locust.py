"""Locust with FastHttpUser, in one process: users that wait for their answers; it records as ever."""

import gevent
from block import Meter, asked
from locust import FastHttpUser, constant, constant_throughput, task
from locust.env import Environment

SETTLING_S = 1.0


class User(FastHttpUser):
    """One user who makes the same request again and again."""

    wait_time = constant(0)

    @task
    def get(self):
        self.client.get("/")


def main(block):
    if block.rate:
        User.wait_time = constant_throughput(block.rate / block.workers)
    environment = Environment(user_classes=[User], host=block.url)
    runner = environment.create_local_runner()
    runner.start(block.workers, spawn_rate=block.workers)
    gevent.sleep(SETTLING_S)
    runner.stats.reset_all()
    meter = Meter()
    gevent.sleep(block.seconds)
    total = runner.stats.total
    meter.tell(
        requests=total.num_requests,
        failed=total.num_failures,
        p95_s=total.get_response_time_percentile(0.95) / 1e3,
        p99_s=total.get_response_time_percentile(0.99) / 1e3,
    )
    runner.quit()


if __name__ == "__main__":
    main(asked())
