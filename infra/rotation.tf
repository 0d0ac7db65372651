# The secrets hold ciphertexts of enclave_dek and nothing else. `aws secretsmanager rotate-secret` has KMS make each of
# them, the first one too; neither Terraform nor a person ever has a value.

locals {
  rotates       = var.rotation_package != ""
  rotation_name = "${local.name}-rotation"
  rotation_logs = "/aws/lambda/${local.rotation_name}"
}

resource "aws_secretsmanager_secret" "this" {
  for_each = local.secret_names

  name                    = each.value
  description             = each.key == "dek" ? "Data key, wrapped by KMS for the attested enclave" : "Key of the enclave's CA, wrapped by KMS for the attested enclave"
  kms_key_id              = aws_kms_key.data.arn
  recovery_window_in_days = 30
}

# Even wrapped keys are for those who need them: whoever could put one could keep the enclave from starting.
data "aws_iam_policy_document" "secret" {
  statement {
    sid       = "DenyReadingByOthers"
    effect    = "Deny"
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = [local.role_arns.bootstrap, local.role_arns.provisioner]
    }
  }

  statement {
    sid       = "DenyPuttingByOthers"
    effect    = "Deny"
    actions   = ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = [local.role_arns.provisioner]
    }
  }

  statement {
    sid    = "DenyReconfigurationByOthers"
    effect = "Deny"
    actions = [
      "secretsmanager:UpdateSecret", "secretsmanager:DeleteSecret", "secretsmanager:PutResourcePolicy",
      "secretsmanager:DeleteResourcePolicy", "secretsmanager:ReplicateSecretToRegions",
    ]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = var.kms_admin_role_arns
    }
  }
}

resource "aws_secretsmanager_secret_policy" "this" {
  for_each = aws_secretsmanager_secret.this

  secret_arn          = each.value.arn
  policy              = data.aws_iam_policy_document.secret.json
  block_public_policy = true
}

# --- the provisioner: makes keys that it cannot read ---

data "aws_iam_policy_document" "provisioner_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

# What it may ask of KMS is in the keys' policies.
data "aws_iam_policy_document" "provisioner" {
  statement {
    sid = "RotateSecrets"
    actions = [
      "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = values(local.secret_arns)
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_prefix}:${local.rotation_logs}:*"]
  }
}

resource "aws_iam_role" "provisioner" {
  name               = local.role_names.provisioner
  description        = "Has KMS make wrapped keys, and stores them"
  assume_role_policy = data.aws_iam_policy_document.provisioner_trust.json
}

resource "aws_iam_role_policy" "provisioner" {
  name   = "rotate"
  role   = aws_iam_role.provisioner.name
  policy = data.aws_iam_policy_document.provisioner.json
}

# --- the function ---

resource "aws_cloudwatch_log_group" "rotation" {
  count = local.rotates ? 1 : 0

  name              = local.rotation_logs
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_lambda_function" "rotation" {
  count = local.rotates ? 1 : 0

  function_name    = local.rotation_name
  description      = "Makes the next wrapped key"
  role             = aws_iam_role.provisioner.arn
  filename         = var.rotation_package
  source_code_hash = filebase64sha256(var.rotation_package)
  runtime          = "nodejs22.x"
  handler          = "main.handler"
  architectures    = [var.rotation_architecture]
  memory_size      = 256
  timeout          = 60

  environment {
    variables = {
      ENVIRONMENT         = var.environment
      KMS_KEY_ARN         = aws_kms_key.enclave_dek.arn
      DEK_SECRET_ARN      = aws_secretsmanager_secret.this["dek"].arn
      IDENTITY_SECRET_ARN = aws_secretsmanager_secret.this["identity"].arn
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = local.rotation_logs
  }

  depends_on = [aws_cloudwatch_log_group.rotation, aws_iam_role_policy.provisioner]
}

resource "aws_lambda_permission" "rotation" {
  count = local.rotates ? 1 : 0

  function_name  = aws_lambda_function.rotation[0].function_name
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account_id
}

# Not at once: an apply that made a key would be a rotation that nobody asked for. The identity has no schedule, because a
# new CA also needs a new trust anchor; its rotate-secret names the function (output rotation_function_arn).
resource "aws_secretsmanager_secret_rotation" "dek" {
  count = local.rotates ? 1 : 0

  secret_id           = aws_secretsmanager_secret.this["dek"].id
  rotation_lambda_arn = aws_lambda_function.rotation[0].arn
  rotate_immediately  = false

  rotation_rules {
    schedule_expression = var.dek_rotation_schedule
  }

  depends_on = [aws_lambda_permission.rotation]
}
