#!/usr/bin/env bash
# Installs the system packages that some tests need: a Chromium and fonts for the browser tests, and Slurm with its
# database for the tests of real sites (deploy/slurm/local_slurm.py). Only as root on Debian or Ubuntu; elsewhere it
# says what will be skipped and why, and the tests go on. With CI=true a skipped test is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."

# wanted WHAT TESTS PACKAGES…: installs the packages; says in one line what follows when it cannot.
wanted() {
    local what=$1 tests=$2; shift 2
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "open-paas: no $what here, so the $tests tests are skipped; on Debian, as root: apt-get install $*" >&2
        return
    fi
    echo "  tests: installing $what"
    local log policy=/usr/sbin/policy-rc.d made=
    log=$(mktemp)
    # The packages bring services of their own, which nobody wants to have running after a test.
    if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=1; fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1; then
        echo "open-paas: $what could not be installed ($(tail -n 1 "$log")), so the $tests tests are skipped" >&2
    fi
    [ -z "$made" ] || rm -f $policy
    rm -f "$log"
}

# The headless shell looks at a page in a third of the time that the whole browser needs.
command -v chromium-headless-shell >/dev/null ||
    wanted Chromium browser chromium-headless-shell fonts-dejavu-core fonts-liberation
"${PYTHON:-python3}" deploy/slurm/local_slurm.py missing >/dev/null ||
    wanted Slurm Slurm slurmctld slurmd slurmdbd slurmrestd slurm-client slurm-wlm-jwt-plugin munge mariadb-server
# Only the long tests run Slurm of another Debian, in a chroot that this makes.
[ "${1:-}" != long ] || command -v mmdebstrap >/dev/null || wanted mmdebstrap "Slurm 24.11" mmdebstrap
exit 0
