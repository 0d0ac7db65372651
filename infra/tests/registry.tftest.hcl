# Repositories: what keeps an image, who may add one, who may remove one.
# The real provider renders the policies; nothing leaves the machine.

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "not-used"
  secret_key                  = "not-used"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  environment             = "production"
  account_id              = "111122223333"
  aws_region              = "eu-west-1"
  availability_zones      = ["eu-west-1a", "eu-west-1b"]
  kms_admin_role_arns     = ["arn:aws:iam::111122223333:role/platform-admin"]
  state_buckets           = [{ name = "terraform-states", keys = ["registry/terraform.tfstate", "network/*"] }]
  source_repository       = "example/driftseal"
  approver_principal_arns = ["arn:aws:iam::111122223333:role/security-reviewer"]
}

run "repositories" {
  command = plan

  assert {
    condition     = toset([for r in values(aws_ecr_repository.this) : r.name]) == toset(["driftseal-production/enclave", "driftseal-production/runner", "driftseal-production/parent-proxy", "driftseal-production/device-plugin"])
    error_message = "one repository each for the enclave, the runner, the parent-proxy and the device plugin"
  }

  assert {
    condition     = alltrue([for r in values(aws_ecr_repository.this) : r.image_tag_mutability == "IMMUTABLE"])
    error_message = "a tag never moves"
  }

  assert {
    condition     = alltrue([for r in values(aws_ecr_repository.this) : r.image_scanning_configuration[0].scan_on_push])
    error_message = "images are scanned on push"
  }

  assert {
    condition     = alltrue([for r in values(aws_ecr_repository.this) : r.encryption_configuration[0].encryption_type == "KMS"])
    error_message = "images are under a key of ours"
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["enclave"].policy).rules[0].selection.tagPrefixList == ["live-"] && jsondecode(aws_ecr_lifecycle_policy.this["enclave"].policy).rules[0].selection.countNumber == 1000 && jsondecode(aws_ecr_lifecycle_policy.this["enclave"].policy).rules[0].rulePriority == 1
    error_message = "what was rolled out is claimed by the first rule, which expires nothing"
  }

  assert {
    condition     = { for r in jsondecode(aws_ecr_lifecycle_policy.this["enclave"].policy).rules : r.selection.tagPrefixList[0] => r.selection.countNumber if r.selection.tagStatus == "tagged" } == { live- = 1000, release- = 10, dev- = 5 }
    error_message = "10 releases and 5 development images are kept"
  }

  assert {
    condition     = one([for r in jsondecode(aws_ecr_lifecycle_policy.this["enclave"].policy).rules : r.selection if r.selection.tagStatus == "untagged"]).countUnit == "days" && one([for r in jsondecode(aws_ecr_lifecycle_policy.this["enclave"].policy).rules : r.selection.countNumber if r.selection.tagStatus == "untagged"]) == 1
    error_message = "untagged images go after a day"
  }

  assert {
    condition     = one([for s in jsondecode(aws_ecr_repository_policy.this["runner"].policy).Statement : s if s.Sid == "DenyPushByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/driftseal-production-build"
    error_message = "only the first build pushes layers"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_ecr_repository_policy.this["runner"].policy).Statement : s if s.Sid == "DenyTagsByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-build", "arn:aws:iam::111122223333:role/driftseal-production-rollout"])
    error_message = "only the first build and the roll-out tag"
  }

  assert {
    condition     = contains(one([for s in jsondecode(aws_ecr_repository_policy.this["runner"].policy).Statement : s if s.Sid == "DenyRemovalByOthers"]).Action, "ecr:BatchDeleteImage") && one([for s in jsondecode(aws_ecr_repository_policy.this["runner"].policy).Statement : s if s.Sid == "DenyRemovalByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/platform-admin"
    error_message = "only administrators of the keys remove images"
  }

  assert {
    condition     = aws_ecr_registry_scanning_configuration.this[0].scan_type == "ENHANCED" && one(one(aws_ecr_registry_scanning_configuration.this[0].rule).repository_filter).filter == "driftseal-production/*"
    error_message = "the registry scans our repositories continuously"
  }
}

run "registry_of_somebody_else" {
  command = plan

  variables {
    registry_scan_type = null
  }

  assert {
    condition     = length(aws_ecr_registry_scanning_configuration.this) == 0
    error_message = "the registry is left as it is"
  }
}

run "unknown_scan_type" {
  command         = plan
  expect_failures = [var.registry_scan_type]

  variables {
    registry_scan_type = "SOMETIMES"
  }
}
