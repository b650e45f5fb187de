#!/usr/bin/env bash
# Everything that is checked without running the portal. Runs all of it, then fails if any of it failed.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p var/cache
PATH="$PWD/.venv/bin:$PATH"
failed=()

check() {
    local name=$1; shift
    printf '%-16s' "$name"
    local said
    if said=$("$@" 2>&1); then echo ok; else echo FAILED; printf '%s\n' "$said" | tail -n 60; failed+=("$name"); fi
}

# Settings as an operator would set them, on an empty database: the deploy check must find nothing to say.
as_deployed() {
    python -m portal.embedded exec --temporary -- env -u OPEN_PAAS_EMBEDDED -u PORTAL_SIGNING_KEY_FILE \
        SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" EMAIL_URL=smtp://mail.example.org \
        ALLOWED_HOSTS=portal.example.org BASE_URL=https://portal.example.org TRUSTED_PROXIES=1 \
        sh -c 'python manage.py migrate --verbosity 0 && python manage.py check --deploy --fail-level WARNING'
}
embedded() { env OPEN_PAAS_EMBEDDED=1 "$@"; }

check "ruff" ruff check --quiet .
check "ruff format" ruff format --check --quiet .
check "mypy" embedded mypy --no-error-summary
check "import-linter" lint-imports --no-cache --no-logo
check "djlint" djlint --quiet --lint templates
check "migrations" embedded python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
check "deploy check" as_deployed
check "vendored files" deploy/vendor.sh --check

if [ ${#failed[@]} -gt 0 ]; then echo "lint: ${failed[*]} failed" >&2; exit 1; fi
