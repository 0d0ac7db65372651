# Buckets. All three: versions, no public access, no ACLs, TLS only, and nothing for the host's roles.

locals {
  ledger_days       = var.ledger_retention_days
  pipeline_prefix   = substr(local.name, 0, 20) # CodePipeline cuts its own prefix to this
  cloudtrail_prefix = "cloudtrail"
  access_log_prefix = "access"
  trail_name        = local.name
  trail_arn         = "arn:${local.partition}:cloudtrail:${local.region}:${local.account_id}:trail/${local.trail_name}"
}

resource "aws_s3_bucket" "this" {
  for_each = local.bucket_names

  bucket              = each.value
  object_lock_enabled = each.key == "ledger"
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# Access logs are delivered to buckets under S3's own key only; a trail brings its key along.
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  rule {
    bucket_key_enabled = each.key != "logs"
    apply_server_side_encryption_by_default {
      sse_algorithm     = each.key == "logs" ? "AES256" : "aws:kms"
      kms_master_key_id = each.key == "logs" ? null : aws_kms_key.data.arn
    }
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each = { for key, bucket in aws_s3_bucket.this : key => bucket if key != "logs" }

  bucket        = each.value.id
  target_bucket = aws_s3_bucket.this["logs"].id
  target_prefix = "${local.access_log_prefix}/${each.key}/"
}

resource "aws_s3_bucket_object_lock_configuration" "ledger" {
  bucket = aws_s3_bucket.this["ledger"].id

  rule {
    default_retention {
      mode = var.ledger_lock_mode
      days = local.ledger_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = {
    # What stages hand each other. builds/ is evidence and stays.
    artifacts = { prefix = "${local.pipeline_prefix}/", days = 90 }
    logs      = { prefix = "", days = var.log_retention_days }
  }

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "expire"
    status = "Enabled"
    filter {
      prefix = each.value.prefix
    }
    expiration {
      days = each.value.days
    }
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

# --- who may do what ---

data "aws_iam_policy_document" "every_bucket" {
  for_each = local.bucket_arns

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value, "${each.value}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "DenyOldTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value, "${each.value}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = ["1.2"]
    }
  }

  statement {
    sid       = "DenyHosts"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value, "${each.value}/*"]
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

  # A policy or a lifecycle rule can do what the statements around it forbid.
  statement {
    sid    = "DenyReconfigurationByOthers"
    effect = "Deny"
    actions = [
      "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration",
      "s3:PutBucketVersioning", "s3:PutBucketObjectLockConfiguration", "s3:PutEncryptionConfiguration",
      "s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls", "s3:PutBucketLogging", "s3:DeleteBucket",
    ]
    resources = [each.value]
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

data "aws_iam_policy_document" "ledger" {
  source_policy_documents = [data.aws_iam_policy_document.every_bucket["ledger"].json]

  # For an AWS service the key is absent and the operator holds: nobody but the enclave, not even an administrator.
  statement {
    sid    = "DenyEntriesToOthers"
    effect = "Deny"
    actions = [
      "s3:GetObject*", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging",
      "s3:AbortMultipartUpload", "s3:RestoreObject", "s3:ReplicateObject",
    ]
    resources = ["${local.bucket_arns.ledger}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = [local.role_arns.enclave]
    }
  }

  # Terraform asks whether the bucket is there, which S3 takes for listing it.
  statement {
    sid       = "DenyListingToOthers"
    effect    = "Deny"
    actions   = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]
    resources = [local.bucket_arns.ledger]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = concat([local.role_arns.enclave], var.kms_admin_role_arns)
    }
  }

  # An entry is written once. The enclave asks for it (If-None-Match); this holds when its session was stolen.
  statement {
    sid       = "DenyReplacing"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arns.ledger}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["true"]
    }
  }

  statement {
    sid    = "DenyRemoval"
    effect = "Deny"
    actions = [
      "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectTagging", "s3:ReplicateDelete",
      "s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
    ]
    resources = ["${local.bucket_arns.ledger}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  # Absent is fine: the bucket's default applies. StringNotEqualsIfExists would deny that too.
  statement {
    sid       = "DenyOtherEncryption"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arns.ledger}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:x-amz-server-side-encryption"
      values   = ["false"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "s3:x-amz-server-side-encryption"
      values   = ["aws:kms"]
    }
  }
}

# builds/<execution>/<commit>/ holds what one run measured, so no other run's numbers can be shown at its approval:
# first/ and second/ are the two builds', everything else there is written by the comparison.
data "aws_iam_policy_document" "artifacts" {
  source_policy_documents = [data.aws_iam_policy_document.every_bucket["artifacts"].json]

  statement {
    sid       = "DenyReportsByOthers"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arns.artifacts}/builds/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = [local.role_arns.build, local.role_arns.rebuild, local.role_arns.compare]
    }
  }

  statement {
    sid       = "DenyRemoval"
    effect    = "Deny"
    actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = ["${local.bucket_arns.artifacts}/builds/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "logs" {
  source_policy_documents = [data.aws_iam_policy_document.every_bucket["logs"].json]

  statement {
    sid       = "DeliverAccessLogs"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arns.logs}/${local.access_log_prefix}/*"]
    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.bucket_arns.ledger, local.bucket_arns.artifacts]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }

  statement {
    sid       = "CheckForTrail"
    actions   = ["s3:GetBucketAcl"]
    resources = [local.bucket_arns.logs]
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
    sid       = "DeliverTrail"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arns.logs}/${local.cloudtrail_prefix}/AWSLogs/${local.account_id}/*"]
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
    sid       = "DenyRemoval"
    effect    = "Deny"
    actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = ["${local.bucket_arns.logs}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = {
    ledger    = data.aws_iam_policy_document.ledger.json
    artifacts = data.aws_iam_policy_document.artifacts.json
    logs      = data.aws_iam_policy_document.logs.json
  }

  bucket = aws_s3_bucket.this[each.key].id
  policy = each.value

  depends_on = [aws_s3_bucket_public_access_block.this, aws_s3_bucket_object_lock_configuration.ledger]
}

# --- state buckets that this account owns and lets this module configure; for others there is output state_bucket_policies ---

data "aws_iam_policy_document" "managed_state_bucket" {
  for_each = var.managed_state_buckets

  source_policy_documents = [data.aws_iam_policy_document.state_bucket[each.key].json]

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:${local.partition}:s3:::${each.key}", "arn:${local.partition}:s3:::${each.key}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  for_each = var.managed_state_buckets

  bucket = each.key
  policy = data.aws_iam_policy_document.managed_state_bucket[each.key].json
}

# Without this the bucket sends EventBridge nothing; the enclave then sees a new state when it next polls.
resource "aws_s3_bucket_notification" "state" {
  for_each = var.managed_state_buckets

  bucket      = each.key
  eventbridge = true
}
