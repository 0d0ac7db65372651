# The enclave's two roles. Credentials that reach it through the host are the host's too, so the role that comes that way
# (bootstrap) opens nothing but wrapped keys. The one that reads states, events and the ledger (enclave) is given by IAM
# Roles Anywhere to whoever has the key of the enclave's CA, which only an attested image can unwrap.

# --- bootstrap: by Pod Identity ---

data "aws_iam_policy_document" "bootstrap_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.cluster_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-namespace"
      values   = [local.namespace]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = [local.service_account]
    }
  }
}

data "aws_iam_policy_document" "bootstrap" {
  statement {
    sid       = "ReadWrappedKeys"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = concat(values(local.secret_arns), [local.webhook_secret_arns])
  }

  # Decrypt is not allowed here: the key policy does that, with an attestation. It is only not denied. Whatever else is
  # ever attached to this role, or granted to it by a resource's policy, stays closed.
  statement {
    sid         = "DenyEverythingElse"
    effect      = "Deny"
    not_actions = ["secretsmanager:GetSecretValue", "kms:Decrypt"]
    resources   = ["*"]
  }
}

resource "aws_iam_role" "bootstrap" {
  name               = local.role_names.bootstrap
  description        = "Wrapped keys and attested Decrypt for the pod; the host has these credentials too"
  assume_role_policy = data.aws_iam_policy_document.bootstrap_trust.json
}

resource "aws_iam_role_policy" "bootstrap" {
  name   = "wrapped-keys"
  role   = aws_iam_role.bootstrap.name
  policy = data.aws_iam_policy_document.bootstrap.json
}

# --- enclave: by IAM Roles Anywhere ---

locals {
  anchor_open = trimspace(var.enclave_trust_anchor_pem) != ""
  # The CN of a session's certificate (enclave/authority.ts): images that were retired get no session either.
  session_names = local.gate_open ? [for pcr0 in local.pcr0_list : "${var.environment}.${substr(pcr0, 0, 16)}"] : ["closed"]
}

# The anchor's ARN is measured with the configuration, and the CA is known only once that image has run: so the anchor
# is there from the first apply, disabled, with a certificate whose key was never stored.
resource "aws_rolesanywhere_trust_anchor" "enclave" {
  name    = "${local.name}-enclave"
  enabled = local.anchor_open

  source {
    source_type = "CERTIFICATE_BUNDLE"
    source_data {
      x509_certificate_data = local.anchor_open ? var.enclave_trust_anchor_pem : file("${path.module}/templates/closed_anchor.pem")
    }
  }
}

resource "aws_rolesanywhere_profile" "enclave" {
  name             = "${local.name}-enclave"
  enabled          = local.anchor_open
  role_arns        = [aws_iam_role.enclave.arn]
  duration_seconds = 3600
}

# Not a policy document's data source: that would be read at apply only, since the anchor's ARN is AWS's to choose.
locals {
  enclave_trust = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AttestedEnclave"
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
      Principal = { Service = "rolesanywhere.amazonaws.com" }
      Condition = {
        ArnEquals = { "aws:SourceArn" = aws_rolesanywhere_trust_anchor.enclave.arn }
        StringEquals = {
          "aws:PrincipalTag/x509Issuer/CN"  = "DriftSeal ${var.environment}"
          "aws:PrincipalTag/x509Subject/CN" = local.session_names
        }
      }
    }]
  }
}

data "aws_iam_policy_document" "enclave" {
  statement {
    sid       = "ReadStates"
    actions   = ["s3:GetObject"]
    resources = local.state_object_arns
  }

  # Without ListBucket S3 answers 403 for a state that is not there, which reads like a missing permission. A condition
  # on s3:prefix would bring that back: a GetObject has no prefix.
  statement {
    sid       = "TellMissingStates"
    actions   = ["s3:ListBucket"]
    resources = local.state_bucket_arns
  }

  dynamic "statement" {
    for_each = length(local.state_kms_key_arns) > 0 ? [true] : []
    content {
      sid       = "DecryptStates"
      actions   = ["kms:Decrypt"]
      resources = local.state_kms_key_arns
      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["s3.*.amazonaws.com"]
      }
    }
  }

  statement {
    sid       = "TakeEvents"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
    resources = [local.queue_arns.events, local.queue_arns.state]
  }

  # Nothing is taken back: no delete, and the bucket's Object Lock outlasts even that.
  statement {
    sid       = "KeepLedger"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.bucket_arns.ledger}/*"]
  }

  statement {
    sid       = "ListLedger"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arns.ledger]
  }

  # The heartbeat: only what the host cannot send is worth an alarm when it is missing.
  statement {
    sid       = "SendMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [local.metric_namespace]
    }
  }
}

resource "aws_iam_role" "enclave" {
  name               = local.role_names.enclave
  description        = "States, events and ledger, for the attested enclave alone"
  assume_role_policy = jsonencode(local.enclave_trust)
}

resource "aws_iam_role_policy" "enclave" {
  name   = "detector"
  role   = aws_iam_role.enclave.name
  policy = data.aws_iam_policy_document.enclave.json
}

# --- what the owner of a state bucket adds to its policy ---

# The host's roles are refused by their own policies already. This holds where somebody takes those away.
data "aws_iam_policy_document" "state_bucket" {
  for_each = { for bucket in var.state_buckets : bucket.name => bucket }

  statement {
    sid       = "DenyDriftSealHosts"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:${local.partition}:s3:::${each.key}", "arn:${local.partition}:s3:::${each.key}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = local.host_role_arns
    }
  }
}
