#!/bin/sh
# Asks the registry for the digest of each image that docker-compose.yml names by tag, and writes
# deploy/images.env:  docker compose --env-file deploy/images.env up -d
# Needs docker with buildx. Run it again to move to newer images, and look at the difference.
set -eu
folder=$(dirname "$0")
draft=$folder/images.env.new
trap 'rm -f "$draft"' EXIT
: > "$draft"
sed -n 's/.*\${\([A-Z]*_IMAGE\):-\([^}]*\)}.*/\1 \2/p' "$folder/../docker-compose.yml" |
while read -r name image; do
    digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image")
    case $digest in sha256:????????????????????????????????????????????????????????????????) ;;
        *) echo "the registry told no digest of $image: $digest" >&2; exit 1 ;;
    esac
    echo "$name=$image@$digest" >> "$draft"
done
mv "$draft" "$folder/images.env"
trap - EXIT
echo "digests are in $folder/images.env"
