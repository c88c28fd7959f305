#!/bin/sh
# The locks of requirements*.txt: every distribution that an installation takes, on any platform, with the sha256 of its files.
# The one of development comes first and holds all that is installed into one environment; the others take its versions.
# No index stands in a lock: it is asked for where the tool that installs is told to.
set -eu
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --only-binary :all: --no-binary freia "$@"
}
lock "$@" requirements-dev.txt -o requirements-dev.lock
for set in "" -build -export -ray -s3 -serve; do
    lock --upgrade -c requirements-dev.lock "requirements$set.txt" -o "requirements$set.lock"
done
lock "$@" requirements-audit.txt -o requirements-audit.lock
