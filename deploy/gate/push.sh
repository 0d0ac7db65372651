#!/usr/bin/env bash
# Pushes the images of this build and prints them by digest: lines `<name> <repository>@sha256:<digest>`.
set -euo pipefail

# Tags are never overwritten, so each run has its own. ECR keeps more of releases (infra/ecr.tf).
if version=$(git describe --exact-match --tags HEAD 2>/dev/null); then class="release-${version#v}"; else class="dev-${COMMIT:0:12}"; fi
tag="$class-$CODEBUILD_BUILD_NUMBER"

aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY_RUNNER%%/*}" >&2

push() { # push NAME REPOSITORY
  docker tag "driftseal-$1" "$2:$tag"
  docker push "$2:$tag" >&2
  local digest
  digest=$(aws ecr describe-images --repository-name "${2#*/}" --image-ids "imageTag=$tag" \
    --query 'imageDetails[0].imageDigest' --output text)
  echo "$1 $2@$digest"
}

push enclave "$REPOSITORY_ENCLAVE"
push runner "$REPOSITORY_RUNNER"
push parent-proxy "$REPOSITORY_PARENT_PROXY"
