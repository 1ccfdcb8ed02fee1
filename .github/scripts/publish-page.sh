#!/usr/bin/env bash
# Starts the workflow that publishes the page: publish-page.sh TAG BRANCH
# It runs on the default branch, because by default no other may deploy to GitHub Pages. The page stays at a newer release.
set -euo pipefail
tag="${1:?usage: publish-page.sh TAG BRANCH}"
branch="${2:?usage: publish-page.sh TAG BRANCH}"

newest="$("$(dirname "$0")/newest-release.sh")"
if [ "$newest" != "$tag" ]; then
  echo "The page stays at $newest, which is newer than $tag"
  exit
fi
gh workflow run pages.yml --ref "$branch" --field "tag=$tag"
