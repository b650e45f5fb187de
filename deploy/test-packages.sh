#!/usr/bin/env bash
# Installs the system packages that the browser tests need: a Chromium and fonts. Only as root on Debian or Ubuntu;
# elsewhere it says what will be skipped and why, and the tests go on.
set -uo pipefail
command -v chromium >/dev/null || command -v chromium-browser >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "open-paas: no Chromium here, so the browser tests are skipped; on Debian: sudo apt-get install chromium" >&2
    exit 0
fi
echo "  tests: installing Chromium and fonts"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-liberation; } >"$log" 2>&1; then
    echo "open-paas: Chromium could not be installed ($(tail -n 1 "$log")), so the browser tests are skipped" >&2
fi
rm -f "$log"
