#!/usr/bin/env bash
# Install the programs that the tests drive: sclang, Pure Data and Chromium. Quiet and quick when they are there.
# Where they cannot be installed (no root, no apt) it says so and goes on; the tests are then skipped.
set -euo pipefail
packages=()
command -v sclang >/dev/null || packages+=(supercollider-language)
command -v pd >/dev/null || packages+=(puredata-core)
command -v chromium >/dev/null || packages+=(chromium)
[ ${#packages[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed: ${packages[*]} (root and apt-get are needed); their tests are skipped" >&2
    exit 0
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
