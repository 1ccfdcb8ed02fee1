#!/usr/bin/env bash
# `make lint`: checks the workflows of GitHub and Gitea, action.yml and dependabot.yml. workflows.sh [ROOT]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
tools="$(cd "$here/../.." && pwd)/.tools"
cd "${1:-$here/../..}"

workflows=(.github/workflows/*.yml .gitea/workflows/*.yml)
if [ -e "$tools/actionlint.stamp" ]; then
  # Not with shellcheck and pyflakes: their findings would depend on what this machine has.
  "$tools/bin/actionlint" -shellcheck= -pyflakes= "${workflows[@]}"
  echo "actionlint: ${#workflows[@]} workflows"
fi
if [ -e "$tools/zizmor.stamp" ]; then
  "$tools/zizmor/bin/zizmor" --quiet --no-progress --offline --persona=pedantic --strict-collection --config .github/zizmor.yml \
    .github action.yml .gitea/workflows/*.yml
fi
