#!/usr/bin/env bash
# Fetch again every third-party front-end file named in static/vendor/vendor.lock and verify it.
#
#   deploy/vendor.sh          download the pinned packages, check them, put the files in place
#   deploy/vendor.sh --check  only compare the committed files with their recorded SHA-256
#
# The files are committed, so neither building nor running the portal needs npm.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=static/vendor/vendor.lock

check() {
  awk '$1 == "file" { print $2 "  " $3 }' "$lock" | sha256sum --check --quiet --strict
  echo "All files in $lock are unchanged."
}

if [[ "${1:-}" == "--check" ]]; then check; exit; fi
command -v npm >/dev/null || { echo "npm is needed to fetch the packages. Install Node.js, or run: $0 --check" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

while read -r _ name version _licence integrity; do
  echo "Fetching $name $version"
  archive=$(npm pack --silent --pack-destination "$work" "$name@$version" 2>/dev/null | tail -n 1)
  actual="sha512-$(openssl dgst -sha512 -binary "$work/$archive" | openssl base64 -A)"
  if [[ "$actual" != "$integrity" ]]; then
    echo "$name $version is not the package we locked: expected $integrity, got $actual" >&2
    exit 1
  fi
  mkdir -p "$work/$name"
  tar -xzf "$work/$archive" -C "$work/$name"
done < <(grep '^package ' "$lock")

while read -r _ _sum path name member; do
  mkdir -p "$(dirname "$path")"
  cp "$work/$name/package/$member" "$path"
done < <(grep '^file ' "$lock")
check
