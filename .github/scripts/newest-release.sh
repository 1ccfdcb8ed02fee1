#!/usr/bin/env bash
# Prints the highest version that has been released; nothing if there is none.
set -euo pipefail
gh release list --exclude-drafts --exclude-pre-releases --limit 1000 --json tagName --jq '.[].tagName' |
  sed -n '/^v[0-9]*\.[0-9]*\.[0-9]*$/p' | sort --version-sort | tail -n 1
