# Secrets and their rotation: who may read, put and delete a wrapped key.
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

run "secrets" {
  command = plan

  assert {
    condition     = toset([for s in values(aws_secretsmanager_secret.this) : s.name]) == toset(["driftseal-production/dek", "driftseal-production/identity"])
    error_message = "one secret for the data key, one for the key of the CA"
  }

  assert {
    condition     = alltrue([for s in values(aws_secretsmanager_secret.this) : s.recovery_window_in_days == 30])
    error_message = "a deleted secret can be brought back"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_secretsmanager_secret_policy.this["dek"].policy).Statement : s if s.Sid == "DenyReadingByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-bootstrap", "arn:aws:iam::111122223333:role/driftseal-production-provisioner"])
    error_message = "only the bootstrap role and the provisioner read wrapped keys"
  }

  assert {
    condition     = one([for s in jsondecode(aws_secretsmanager_secret_policy.this["dek"].policy).Statement : s if s.Sid == "DenyPuttingByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/driftseal-production-provisioner" && contains(one([for s in jsondecode(aws_secretsmanager_secret_policy.this["dek"].policy).Statement : s if s.Sid == "DenyPuttingByOthers"]).Action, "secretsmanager:UpdateSecretVersionStage")
    error_message = "only the provisioner puts a key, or an older one back"
  }

  assert {
    condition     = one([for s in jsondecode(aws_secretsmanager_secret_policy.this["dek"].policy).Statement : s if s.Sid == "DenyReconfigurationByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/platform-admin" && contains(one([for s in jsondecode(aws_secretsmanager_secret_policy.this["dek"].policy).Statement : s if s.Sid == "DenyReconfigurationByOthers"]).Action, "secretsmanager:DeleteSecret")
    error_message = "only administrators delete one"
  }

  assert {
    condition     = length(aws_lambda_function.rotation) == 0 && length(aws_secretsmanager_secret_rotation.dek) == 0
    error_message = "without its package nothing rotates"
  }

  assert {
    condition     = one(jsondecode(aws_iam_role.provisioner.assume_role_policy).Statement).Principal.Service == "lambda.amazonaws.com"
    error_message = "the provisioner is a function, and no person"
  }

  assert {
    condition     = length([for a in flatten([for s in jsondecode(aws_iam_role_policy.provisioner.policy).Statement : s.Action]) : a if startswith(a, "kms:")]) == 0
    error_message = "what it may ask of KMS is in the key policies alone"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_iam_role_policy.provisioner.policy).Statement : s if s.Sid == "RotateSecrets"]).Resource) == toset(["arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/dek-??????", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/identity-??????"])
    error_message = "it reaches two secrets"
  }
}

run "rotation" {
  command = plan

  variables {
    rotation_package      = "versions.tf" # any file will do
    dek_rotation_schedule = "rate(90 days)"
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.dek[0].rotation_rules[0].schedule_expression == "rate(90 days)" && !aws_secretsmanager_secret_rotation.dek[0].rotate_immediately
    error_message = "by the schedule, not by an apply"
  }

  assert {
    condition     = aws_lambda_function.rotation[0].architectures == tolist(["arm64"]) && aws_lambda_function.rotation[0].handler == "main.handler"
    error_message = "the function of deploy/rotation"
  }

  assert {
    condition     = aws_lambda_function.rotation[0].source_code_hash == filebase64sha256("versions.tf")
    error_message = "a changed package is a changed function"
  }

  assert {
    condition     = aws_lambda_permission.rotation[0].principal == "secretsmanager.amazonaws.com" && aws_lambda_permission.rotation[0].source_account == "111122223333"
    error_message = "Secrets Manager of this account calls it, and nobody else"
  }

  assert {
    condition     = aws_cloudwatch_log_group.rotation[0].retention_in_days == 365
    error_message = "its log is kept"
  }

  assert {
    condition     = contains(keys(aws_cloudwatch_metric_alarm.this), "rotation-failed")
    error_message = "a rotation that fails is told"
  }
}

run "package_not_built" {
  command         = plan
  expect_failures = [var.rotation_package]

  variables {
    rotation_package = "no-such-file.zip"
  }
}

run "schedule_malformed" {
  command         = plan
  expect_failures = [var.dek_rotation_schedule]

  variables {
    dek_rotation_schedule = "monthly"
  }
}

run "processor_unknown" {
  command         = plan
  expect_failures = [var.rotation_architecture]

  variables {
    rotation_architecture = "riscv"
  }
}
