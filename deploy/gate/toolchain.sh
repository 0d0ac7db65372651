#!/usr/bin/env bash
# Lines `<tool> <version>`, for the report: of everything that an image comes from besides what the lock file pins.
set -euo pipefail

echo "node $(node_modules/.bin/node --version)"
echo "npm $(npm --version)"
echo "docker $(docker version --format '{{.Server.Version}}')"
echo "buildx $(docker buildx version)"
echo "nitro-cli $(rpm --query aws-nitro-enclaves-cli)"
