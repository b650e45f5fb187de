#!/usr/bin/env bash
# Runs the tests against a private PostgreSQL and broker that live and end with them.
#
#   deploy/test.sh             the linters, then every test but the long ones
#   deploy/test.sh ARGS…       pytest alone, with these arguments
set -uo pipefail
cd "$(dirname "$0")/.."
in_private() { .venv/bin/python -m portal.embedded exec --temporary -- .venv/bin/python -m pytest "$@"; }
# Threads of numeric libraries, times three test processes, on two cores: more of them is slower.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} TOKENIZERS_PARALLELISM=false

if [ $# -gt 0 ]; then in_private "$@"; exit; fi

deploy/lint.sh; lint=$?
in_private -q -n 3 --dist loadscope -m "not long"; tests=$?
[ $lint = 0 ] || echo "open-paas: the linters failed, see above" >&2
[ $lint = 0 ] && exit $tests || exit 1
