"""A durable service that runs agents' workflows: templates, runs, tasks, approvals, partial reruns."""
