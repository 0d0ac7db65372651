#!/usr/bin/env bash
# mark_live.sh SUMMARY: a second tag on what runs now, which keeps it from expiring (infra/ecr.tf).
set -euo pipefail

mark() { # mark NAME REPOSITORY
  local image digest manifest
  image=$(jq -r --arg name "$1" '.images[$name]' "$SUMMARY")
  digest=${image#*@}
  if [ "$image" != "$2@$digest" ]; then
    echo "the report's image \"$1\" is not from $2" >&2
    exit 1
  fi
  manifest=$(aws ecr batch-get-image --repository-name "${2#*/}" --image-ids "imageDigest=$digest" \
    --query 'images[0].imageManifest' --output text)
  aws ecr put-image --repository-name "${2#*/}" --image-tag "live-${COMMIT:0:12}-$CODEBUILD_BUILD_NUMBER" \
    --image-digest "$digest" --image-manifest "$manifest" >/dev/null
  echo "live: $image"
}

SUMMARY=$1
mark enclave "$REPOSITORY_ENCLAVE"
mark runner "$REPOSITORY_RUNNER"
mark parent-proxy "$REPOSITORY_PARENT_PROXY"
