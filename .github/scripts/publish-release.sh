#!/usr/bin/env bash
# Creates the GitHub release of a tag that exists: publish-release.sh TAG NOTES ASSET...
# Completes a draft that an interrupted run has left, and leaves a published release unchanged.
set -euo pipefail
tag="${1:?usage: publish-release.sh TAG NOTES ASSET...}"
notes="${2:?usage: publish-release.sh TAG NOTES ASSET...}"
shift 2

case "$(gh release view "$tag" --json isDraft --jq .isDraft || echo none)" in
  none) gh release create "$tag" --verify-tag --title "$tag" --notes-file "$notes" "$@" ;;
  true)
    gh release upload "$tag" --clobber "$@"
    gh release edit "$tag" --draft=false --title "$tag" --notes-file "$notes"
    ;;
  false) echo "The release $tag exists: unchanged" ;;
esac
