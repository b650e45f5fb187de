#!/usr/bin/env bash
# Resolves requirements/*.in anew and writes the lock files beside them, with hashes and without any address.
#
#   deploy/lock.sh              keep what is locked where it still fits
#   deploy/lock.sh --upgrade    take the newest versions that fit
set -euo pipefail
cd "$(dirname "$0")/.."
tools=var/cache/lock-tools
[ -x "$tools/bin/uv" ] || { .venv/bin/python -m venv "$tools"; "$tools/bin/pip" install --quiet --require-hashes -r requirements/tools.txt; }

lock() {
    local name=$1; shift
    "$tools/bin/uv" pip compile "requirements/$name.in" --output-file "requirements/$name.txt" --quiet \
        --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header "$@"
    sed -i '1{/^# Locked by/!i # Locked by `make lock`; do not edit. Installed with --require-hashes.
}' "requirements/$name.txt"
    echo "requirements/$name.txt: $(grep -c '^[a-z0-9].*==' "requirements/$name.txt") packages"
}

for name in tools portal dev ray; do lock "$name" "$@"; done
lock site --excludes requirements/torch.txt "$@"
