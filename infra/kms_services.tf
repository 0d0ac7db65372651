# Keys that AWS services use for us: of no attestation, and so of nothing that only the enclave may read.

locals {
  autoscaling_role_arn = "${local.iam_prefix}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
}

# --- data: everything that AWS services encrypt and decrypt for a caller, where no attestation can reach ---

data "aws_iam_policy_document" "data" {
  source_policy_documents = [data.aws_iam_policy_document.key_administration.json]

  statement {
    sid       = "UseThroughS3"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [for role in ["enclave", "pipeline", "build", "rebuild", "compare", "promote", "rollout", "approver"] : local.role_arns[role]]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "ReceiveThroughSqs"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.enclave]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sqs.${local.region}.amazonaws.com"]
    }
  }

  # Wrapped keys, and only those: the host gets here, and gets a ciphertext of enclave_dek.
  statement {
    sid       = "ReadSecrets"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.bootstrap]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = concat(values(local.secret_arns), [local.webhook_secret_arns])
    }
  }

  statement {
    sid       = "RotateSecrets"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.provisioner]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = values(local.secret_arns)
    }
  }

  dynamic "statement" {
    for_each = length(var.webhook_key_role_arns) > 0 ? [true] : []
    content {
      sid       = "StoreWebhookKeys"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = var.webhook_key_role_arns
      }
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${local.region}.amazonaws.com"]
      }
      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [local.webhook_secret_arns]
      }
    }
  }

  # Into the queues and the topic. EventBridge sends KMS no source, so a condition on it would lose every event; the
  # queues' own policies name the rules.
  statement {
    sid       = "DeliverEvents"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }

  statement {
    sid       = "DeliverAlarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }

  # The pipeline itself tells the reviewer that an approval waits.
  statement {
    sid       = "AskForApproval"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.pipeline]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sns.${local.region}.amazonaws.com"]
    }
  }

  # Moves messages from a dead-letter queue back to their queue.
  statement {
    sid       = "Redrive"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = var.kms_admin_role_arns
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sqs.${local.region}.amazonaws.com"]
    }
  }

  # The token that opens pull requests: an administrator stores it, the promotion reads it.
  statement {
    sid       = "PromotionToken"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = concat([local.role_arns.promote], var.kms_admin_role_arns)
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = [local.promotion_token_arn]
    }
  }

  statement {
    sid       = "WriteTrail"
    actions   = ["kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["${local.log_group_prefix}:*${local.name}*"]
    }
  }

  # ECR works with grants that it makes for whoever creates a repository.
  statement {
    sid       = "CreateRepositories"
    actions   = ["kms:CreateGrant", "kms:RetireGrant"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = var.kms_admin_role_arns
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["ecr.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "Bool"
      variable = "kms:GrantIsForAWSResource"
      values   = ["true"]
    }
  }
}

resource "aws_kms_key" "data" {
  description             = "${local.name}: buckets, queues, secrets' envelopes, logs, images"
  policy                  = data.aws_iam_policy_document.data.json
  enable_key_rotation     = true
  deletion_window_in_days = 30

  depends_on = [
    aws_iam_role.bootstrap, aws_iam_role.enclave, aws_iam_role.provisioner,
    aws_iam_role.pipeline, aws_iam_role.project, aws_iam_role.approver,
  ]
}

# --- eks_secrets: Kubernetes Secrets in etcd ---

data "aws_iam_policy_document" "eks_secrets" {
  source_policy_documents = [data.aws_iam_policy_document.key_administration.json]

  statement {
    sid       = "EncryptSecrets"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.cluster]
    }
  }

  # EKS makes its grant in the name of whoever creates the cluster, and supports no condition on it.
  statement {
    sid       = "CreateCluster"
    actions   = ["kms:CreateGrant"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = var.kms_admin_role_arns
    }
  }
}

resource "aws_kms_key" "eks_secrets" {
  description             = "${local.name}: Kubernetes Secrets"
  policy                  = data.aws_iam_policy_document.eks_secrets.json
  enable_key_rotation     = true
  deletion_window_in_days = 30

  depends_on = [aws_iam_role.cluster]
}

# --- ebs: the nodes' volumes ---

data "aws_iam_policy_document" "ebs" {
  source_policy_documents = [data.aws_iam_policy_document.key_administration.json]

  statement {
    sid       = "UseForVolumes"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.autoscaling_role_arn, local.role_arns.ebs_csi]
    }
  }

  statement {
    sid       = "AttachVolumes"
    actions   = ["kms:CreateGrant"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.autoscaling_role_arn, local.role_arns.ebs_csi]
    }
    condition {
      test     = "Bool"
      variable = "kms:GrantIsForAWSResource"
      values   = ["true"]
    }
  }
}

resource "aws_iam_service_linked_role" "autoscaling" {
  count = var.create_autoscaling_service_role ? 1 : 0

  aws_service_name = "autoscaling.amazonaws.com"
}

resource "aws_kms_key" "ebs" {
  description             = "${local.name}: volumes of nodes"
  policy                  = data.aws_iam_policy_document.ebs.json
  enable_key_rotation     = true
  deletion_window_in_days = 30

  depends_on = [aws_iam_role.ebs_csi, aws_iam_service_linked_role.autoscaling]
}
