-- What wrk found, as one line of JSON; its latencies are in microseconds.
done = function(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"requests": %d, "failed": %d, "p95_s": %.6f, "p99_s": %.6f}\n',
    summary.requests, failed, latency:percentile(95) / 1e6, latency:percentile(99) / 1e6
  ))
end
