#!/usr/bin/env bash
# Creates the GitHub release of a tag that exists: publish-release.sh TAG NOTES ASSET...
# Completes a draft that an interrupted run has left, and leaves a published release unchanged.
set -euo pipefail
tag="${1:?usage: publish-release.sh TAG NOTES ASSET...}"
notes="${2:?usage: publish-release.sh TAG NOTES ASSET...}"
shift 2

# By default, GitHub marks the release of an older version as the latest, too.
newest="$("$(dirname "$0")/newest-release.sh")"
latest=false
if [ "$(printf '%s\n' "$newest" "$tag" | sort --version-sort | tail -n 1)" = "$tag" ]; then latest=true; fi

case "$(gh release view "$tag" --json isDraft --jq .isDraft || echo none)" in
  none) gh release create "$tag" --verify-tag --latest="$latest" --title "$tag" --notes-file "$notes" "$@" ;;
  true)
    gh release upload "$tag" --clobber "$@"
    gh release edit "$tag" --draft=false --latest="$latest" --title "$tag" --notes-file "$notes"
    ;;
  false) echo "The release $tag exists: unchanged" ;;
esac
