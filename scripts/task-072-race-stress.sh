#!/bin/sh
# Task 072: races the service in environments of its own; evidence goes to docs/evidence/task-072/.
folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 2
exec "$folder/multyagents" race-stress "$@"
