#!/bin/sh
# Task 076: loads the service in environments of its own; evidence goes to docs/evidence/task-076/.
folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2
exec "$folder/multyagents" slo-smoke "$@"
