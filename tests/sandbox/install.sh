#!/usr/bin/env bash
# Installs what the sandbox runs for real, where it is missing: install.sh docker docker-registry skopeo
# Exits non-zero when something is missing and cannot be installed, and says how to get it.
set -uo pipefail

declare -A why=(
  [docker]='the real CLI that logs in and out'
  [docker-registry]='the real registry that is logged in to'
  [skopeo]='pushes and pulls an image with the login'
  [tinyproxy]='a proxy between runner and API'
  [microsocks]='a SOCKS proxy between runner and API'
  [openssl]='makes certificates that must not be trusted'
)
# Debian's and Ubuntu's names, first hit wins; the docker CLI alone is its own package since Debian 13.
declare -A packages=([docker]='docker-cli docker.io' [docker-registry]='docker-registry' [skopeo]='skopeo' [openssl]='openssl'
  [tinyproxy]='tinyproxy-bin tinyproxy' [microsocks]='microsocks')

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

missing=0
updated=
for tool in "$@"; do
  command -v "$tool" >/dev/null && continue
  echo "Installing $tool: ${why[$tool]}"
  if command -v apt-get >/dev/null; then
    [ -n "$updated" ] || as_root apt-get update -qq >/dev/null 2>&1
    updated=yes
    for package in ${packages[$tool]}; do
      # A service of the package has no business on this machine: only its program is wanted.
      as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 && break
    done
  fi
  command -v "$tool" >/dev/null && continue
  echo "  could not install it here: it needs apt-get and root (Debian: apt-get install ${packages[$tool]##* })" >&2
  missing=1
done
exit "$missing"
