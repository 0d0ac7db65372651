# Buckets: the ledger, what builds report, and logs.
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

run "buckets" {
  command = plan

  assert {
    condition     = toset([for b in values(aws_s3_bucket.this) : b.bucket]) == toset(["driftseal-production-ledger-111122223333", "driftseal-production-artifacts-111122223333", "driftseal-production-logs-111122223333"])
    error_message = "three buckets, named by environment and account"
  }

  assert {
    condition     = alltrue([for v in values(aws_s3_bucket_versioning.this) : v.versioning_configuration[0].status == "Enabled"]) && length(aws_s3_bucket_versioning.this) == 3
    error_message = "every bucket keeps versions"
  }

  assert {
    condition     = alltrue([for b in values(aws_s3_bucket_public_access_block.this) : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets]) && length(aws_s3_bucket_public_access_block.this) == 3
    error_message = "nothing is public"
  }

  assert {
    condition     = { for name, e in aws_s3_bucket_server_side_encryption_configuration.this : name => one(one(e.rule).apply_server_side_encryption_by_default).sse_algorithm } == { ledger = "aws:kms", artifacts = "aws:kms", logs = "AES256" }
    error_message = "ledger and artifacts are under the data key; S3 delivers access logs to its own key alone"
  }

  assert {
    condition     = aws_s3_bucket.this["ledger"].object_lock_enabled && !aws_s3_bucket.this["artifacts"].object_lock_enabled
    error_message = "the ledger is under Object Lock"
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.ledger.rule).default_retention).mode == "COMPLIANCE" && one(one(aws_s3_bucket_object_lock_configuration.ledger.rule).default_retention).days == 365
    error_message = "for a year, for everybody"
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_logging.this)) == toset(["ledger", "artifacts"])
    error_message = "who reads is logged"
  }

  assert {
    condition     = !contains(keys(aws_s3_bucket_lifecycle_configuration.this), "ledger") && one(one([for r in aws_s3_bucket_lifecycle_configuration.this["artifacts"].rule : r if r.id == "expire"]).filter).prefix == "driftseal-production/"
    error_message = "neither the ledger nor reports expire"
  }

  assert {
    condition     = alltrue([for p in values(aws_s3_bucket_policy.this) : one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyPlainHttp"]).Effect == "Deny" && one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyPlainHttp"]).Condition.Bool["aws:SecureTransport"] == "false" && one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyPlainHttp"]).Principal == "*"])
    error_message = "TLS only, everywhere"
  }

  assert {
    condition     = alltrue([for p in values(aws_s3_bucket_policy.this) : toset(one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyHosts"]).Condition.ArnEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-bootstrap", "arn:aws:iam::111122223333:role/driftseal-production-node", "arn:aws:iam::111122223333:role/driftseal-production-general-node"]) && one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyHosts"]).Action == "s3:*"])
    error_message = "no bucket has anything for the roles that a host can use"
  }
}

run "ledger" {
  command = plan

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyEntriesToOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/driftseal-production-enclave"
    error_message = "only the enclave reads, writes and lists the ledger"
  }

  assert {
    condition     = length(setsubtract(["s3:GetObject*", "s3:PutObject"], one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyEntriesToOthers"]).Action)) == 0 && contains(one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyListingToOthers"]).Action, "s3:ListBucket") && toset(one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyListingToOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-enclave", "arn:aws:iam::111122223333:role/platform-admin"])
    error_message = "reading, writing and listing are what others are denied"
  }

  assert {
    condition     = !can(one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyRemoval"]).Condition) && length(setsubtract(["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectRetention"], one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyRemoval"]).Action)) == 0
    error_message = "nobody removes an entry or shortens its time, whoever he is"
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyReplacing"]).Condition.Null["s3:if-none-match"] == "true" && one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyReplacing"]).Action == "s3:PutObject"
    error_message = "an entry is written once"
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyOtherEncryption"]).Condition.StringNotEquals["s3:x-amz-server-side-encryption"] == "aws:kms" && one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyOtherEncryption"]).Condition.Null["s3:x-amz-server-side-encryption"] == "false"
    error_message = "no entry is stored under another kind of key"
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyReconfigurationByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/platform-admin" && contains(one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyReconfigurationByOthers"]).Action, "s3:PutBucketPolicy") && contains(one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyReconfigurationByOthers"]).Action, "s3:PutLifecycleConfiguration")
    error_message = "only administrators of the keys change the rules"
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s.Effect == "Deny"])
    error_message = "the bucket itself allows nothing"
  }
}

run "artifacts_and_logs" {
  command = plan

  assert {
    condition     = toset(one([for s in jsondecode(aws_s3_bucket_policy.this["artifacts"].policy).Statement : s if s.Sid == "DenyReportsByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-build", "arn:aws:iam::111122223333:role/driftseal-production-rebuild", "arn:aws:iam::111122223333:role/driftseal-production-compare"])
    error_message = "only the builds and the comparison write reports"
  }

  assert {
    condition     = !can(one([for s in jsondecode(aws_s3_bucket_policy.this["artifacts"].policy).Statement : s if s.Sid == "DenyRemoval"]).Condition) && !can(one([for s in jsondecode(aws_s3_bucket_policy.this["logs"].policy).Statement : s if s.Sid == "DenyRemoval"]).Condition)
    error_message = "reports and logs are not removed"
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.this["logs"].policy).Statement : s if s.Sid == "DeliverTrail"]).Condition.ArnEquals["aws:SourceArn"] == "arn:aws:cloudtrail:eu-west-1:111122223333:trail/driftseal-production" && one([for s in jsondecode(aws_s3_bucket_policy.this["logs"].policy).Statement : s if s.Sid == "DeliverTrail"]).Resource == "arn:aws:s3:::driftseal-production-logs-111122223333/cloudtrail/AWSLogs/111122223333/*"
    error_message = "one trail delivers, to one place"
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.this["logs"].policy).Statement : s if s.Sid == "DeliverAccessLogs"]).Condition.StringEquals["aws:SourceAccount"] == "111122223333"
    error_message = "S3 delivers for this account alone"
  }

  assert {
    condition     = length(aws_s3_bucket_policy.state) == 0 && length(aws_s3_bucket_notification.state) == 0
    error_message = "state buckets are somebody else's unless said otherwise"
  }
}

run "ledger_that_goes_away" {
  command = plan

  variables {
    ledger_lock_mode      = "GOVERNANCE"
    ledger_retention_days = 1
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.ledger.rule).default_retention).mode == "GOVERNANCE" && one(one(aws_s3_bucket_object_lock_configuration.ledger.rule).default_retention).days == 1
    error_message = "mode and time are configurable"
  }

  assert {
    condition     = contains(one([for s in jsondecode(aws_s3_bucket_policy.this["ledger"].policy).Statement : s if s.Sid == "DenyRemoval"]).Action, "s3:BypassGovernanceRetention")
    error_message = "governance is not bypassed either"
  }
}

run "managed_state_bucket" {
  command = plan

  variables {
    managed_state_buckets = ["terraform-states"]
  }

  assert {
    condition     = aws_s3_bucket_notification.state["terraform-states"].eventbridge
    error_message = "the bucket tells EventBridge of new states"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_s3_bucket_policy.state["terraform-states"].policy).Statement : s if s.Sid == "DenyDriftSealHosts"]).Condition.ArnEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-bootstrap", "arn:aws:iam::111122223333:role/driftseal-production-node", "arn:aws:iam::111122223333:role/driftseal-production-general-node"])
    error_message = "the host's roles are denied the states"
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.state["terraform-states"].policy).Statement : s if s.Sid == "DenyPlainHttp"]).Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "TLS only"
  }
}

run "managed_bucket_without_a_state" {
  command         = plan
  expect_failures = [var.managed_state_buckets]

  variables {
    managed_state_buckets = ["another-bucket"]
  }
}

run "lock_mode_unknown" {
  command         = plan
  expect_failures = [var.ledger_lock_mode]

  variables {
    ledger_lock_mode = "NONE"
  }
}

run "no_retention" {
  command         = plan
  expect_failures = [var.ledger_retention_days]

  variables {
    ledger_retention_days = 0
  }
}
