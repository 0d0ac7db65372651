# Who may use a key is said here and nowhere else. No statement hands the decision to identity policies (the usual
# "kms:*" for the account's root does), so an administrator with "*" on "*" has nothing here.

locals {
  pcr0_list  = var.enclave_pcr0_allow_list
  zero_pcr   = join("", [for _ in range(96) : "0"]) # what every debug enclave measures to
  gate_open  = length(local.pcr0_list) > 0
  extra_pcrs = { for pcr, value in { PCR3 = var.enclave_pcr3, PCR8 = var.enclave_pcr8 } : pcr => value if value != null }
}

data "aws_iam_policy_document" "key_administration" {
  statement {
    sid = "KeyAdministration"
    actions = [
      "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus",
      "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags",
      "kms:PutKeyPolicy", "kms:UpdateKeyDescription", "kms:EnableKey", "kms:DisableKey", "kms:EnableKeyRotation",
      "kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "kms:TagResource", "kms:UntagResource",
      "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion",
    ]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = var.kms_admin_role_arns
    }
  }

  # The root user alone, for a key whose administrators were deleted. Without the condition this principal would mean
  # every identity of the account that some policy lets.
  statement {
    sid       = "RootUserRecovery"
    actions   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:CancelKeyDeletion"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.root_arn]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = [local.root_arn]
    }
  }
}

# --- enclave_dek: wraps the data key, the key of the enclave's CA and the keys of webhooks ---

data "aws_iam_policy_document" "enclave_dek" {
  source_policy_documents = [data.aws_iam_policy_document.key_administration.json]

  # Absent while the list is empty: the gate is closed until a person has let an image in.
  dynamic "statement" {
    for_each = local.gate_open ? [true] : []
    content {
      sid       = "AttestedDecrypt"
      actions   = ["kms:Decrypt"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [local.role_arns.bootstrap]
      }
      condition {
        test     = "StringEqualsIgnoreCase"
        variable = "kms:RecipientAttestation:PCR0"
        values   = local.pcr0_list
      }
      dynamic "condition" {
        for_each = local.extra_pcrs
        content {
          test     = "StringEqualsIgnoreCase"
          variable = "kms:RecipientAttestation:${condition.key}"
          values   = [condition.value]
        }
      }
      dynamic "condition" {
        for_each = merge(
          { for key, value in local.encryption_context : key => [value] },
          { purpose = ["dek", "identity", "webhook"] },
        )
        content {
          test     = "StringEquals"
          variable = "kms:EncryptionContext:${condition.key}"
          values   = condition.value
        }
      }
    }
  }

  # A negated operator also holds when its key is absent, so this covers a call without any document. An empty list
  # leaves no condition: then nobody decrypts at all.
  statement {
    sid       = "DenyUnattested"
    effect    = "Deny"
    actions   = ["kms:Decrypt", "kms:DeriveSharedSecret"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    dynamic "condition" {
      for_each = local.gate_open ? [local.pcr0_list] : []
      content {
        test     = "StringNotEqualsIgnoreCase"
        variable = "kms:RecipientAttestation:PCR0"
        values   = condition.value
      }
    }
  }

  # Conditions of one statement all have to hold, so each further measurement needs a Deny of its own.
  dynamic "statement" {
    for_each = local.extra_pcrs
    content {
      sid       = "DenyOther${statement.key}"
      effect    = "Deny"
      actions   = ["kms:Decrypt"]
      resources = ["*"]
      principals {
        type        = "*"
        identifiers = ["*"]
      }
      condition {
        test     = "StringNotEqualsIgnoreCase"
        variable = "kms:RecipientAttestation:${statement.key}"
        values   = [statement.value]
      }
    }
  }

  # The variable's validation refuses zero too; this also holds against a policy edited by hand.
  statement {
    sid       = "DenyDebugEnclave"
    effect    = "Deny"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:RecipientAttestation:PCR0"
      values   = [local.zero_pcr]
    }
  }

  # A grant is a permission that no policy shows; re-encryption moves a ciphertext to a key without attestation.
  statement {
    sid       = "DenyGrantsAndReEncryption"
    effect    = "Deny"
    actions   = ["kms:CreateGrant", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  # Keys come out of KMS wrapped: who could encrypt could plant a key that he knows.
  statement {
    sid       = "DenyChosenPlaintext"
    effect    = "Deny"
    actions   = ["kms:Encrypt", "kms:GenerateDataKeyPair"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  # Of all kinds of keys only a webhook's is meant to be seen: by whoever gives it to the receiver.
  statement {
    sid       = "DenyPlaintextKeys"
    effect    = "Deny"
    actions   = ["kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "kms:EncryptionContext:purpose"
      values   = ["webhook"]
    }
  }

  # So that the policy which a reviewer sees, and a roll-out checks, is the one in force and not the one in Git.
  statement {
    sid       = "ReadPolicyForReview"
    actions   = ["kms:GetKeyPolicy"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.compare, local.role_arns.rollout]
    }
  }

  statement {
    sid       = "ProvisionDataKey"
    actions   = ["kms:GenerateDataKeyWithoutPlaintext"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.provisioner]
    }
    dynamic "condition" {
      for_each = merge(local.encryption_context, { purpose = "dek" })
      content {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:${condition.key}"
        values   = [condition.value]
      }
    }
  }

  statement {
    sid       = "ProvisionIdentity"
    actions   = ["kms:GenerateDataKeyPairWithoutPlaintext"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.provisioner]
    }
    dynamic "condition" {
      for_each = merge(local.encryption_context, { purpose = "identity" })
      content {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:${condition.key}"
        values   = [condition.value]
      }
    }
    condition {
      test     = "StringEquals"
      variable = "kms:DataKeyPairSpec"
      values   = ["ECC_NIST_P256"]
    }
  }

  dynamic "statement" {
    for_each = length(var.webhook_key_role_arns) > 0 ? [true] : []
    content {
      sid       = "ProvisionWebhookKeys"
      actions   = ["kms:GenerateDataKey"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = var.webhook_key_role_arns
      }
      dynamic "condition" {
        for_each = merge(local.encryption_context, { purpose = "webhook" })
        content {
          test     = "StringEquals"
          variable = "kms:EncryptionContext:${condition.key}"
          values   = [condition.value]
        }
      }
    }
  }
}

resource "aws_kms_key" "enclave_dek" {
  description             = "${local.name}: keys of the enclave, unwrapped for attested images only"
  policy                  = data.aws_iam_policy_document.enclave_dek.json
  enable_key_rotation     = true
  deletion_window_in_days = 30

  # KMS refuses a policy that names a role which does not exist; the ARNs here come from names.
  depends_on = [aws_iam_role.bootstrap, aws_iam_role.provisioner, aws_iam_role.project]
}

# --- names ---

resource "aws_kms_alias" "this" {
  for_each = {
    enclave_dek = aws_kms_key.enclave_dek.key_id
    data        = aws_kms_key.data.key_id
    eks_secrets = aws_kms_key.eks_secrets.key_id
    ebs         = aws_kms_key.ebs.key_id
  }

  name          = local.key_aliases[each.key]
  target_key_id = each.value
}
