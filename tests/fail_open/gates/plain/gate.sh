#!/bin/sh
# Run each command of a file and stop at the first that fails: what `set -e` in a CI job comes to.
while IFS= read -r command; do
    sh -c "$command" </dev/null || exit
done <"$1"
