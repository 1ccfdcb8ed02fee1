#!/usr/bin/env bash
# Installs missing programs of the sandbox: install.sh docker docker-registry skopeo
# Exits non-zero if one cannot be installed, with the command that installs it.
set -uo pipefail

declare -A why=(
  [docker]='the CLI that logs in and out'
  [docker-registry]='the registry that tests log in to'
  [skopeo]='pushes and pulls an image with the login'
  [tinyproxy]='a proxy between runner and API'
  [microsocks]='a SOCKS proxy between runner and API'
  [openssl]='creates self-signed certificates'
  [chromium]='the browser that the page is tested in'
  [wine]="runs Node.js for Windows"
  [qemu-aarch64]="runs Node.js for arm64"
  [arm64-libraries]="the C and C++ libraries of Node.js for arm64"
)
# Package names of Debian and Ubuntu, in order of preference; docker-cli exists since Debian 13.
declare -A packages=([docker]='docker-cli docker.io' [docker-registry]='docker-registry' [skopeo]='skopeo' [openssl]='openssl'
  [tinyproxy]='tinyproxy-bin tinyproxy' [microsocks]='microsocks'
  [chromium]='chromium chromium-browser'
  [wine]='wine' [qemu-aarch64]='qemu-user' [arm64-libraries]='libstdc++6-arm64-cross')

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# All but one of them are programs.
present() {
  if [ "$1" = arm64-libraries ]; then [ -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ]; else command -v "$1" >/dev/null; fi
}

missing=0
updated=
for tool in "$@"; do
  present "$tool" && continue
  echo "Installing $tool: ${why[$tool]}"
  if command -v apt-get >/dev/null; then
    [ -n "$updated" ] || as_root apt-get update -qq >/dev/null 2>&1
    updated=yes
    for package in ${packages[$tool]}; do
      # RUNLEVEL=1 keeps the package's service from starting.
      as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 && break
    done
  fi
  present "$tool" && continue
  echo "  cannot install it: apt-get and root are required (Debian: apt-get install ${packages[$tool]##* })" >&2
  missing=1
done
exit "$missing"
