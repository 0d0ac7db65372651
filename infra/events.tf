# From CloudTrail through EventBridge into queues. What is worth an alert is decided in the enclave, by measured rules; so
# nothing is filtered here. A rule that is merely ENABLED gets every management event that CloudTrail does not mark as
# reading, including those that failed and those that AWS did by itself.

locals {
  # AWS Service Event is what AWS does on its own (rotations, deletions that fall due).
  change_types = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Action via CloudTrail"]

  # A rule's ARN names its bus unless that is the default one. IAM, Route 53, CloudFront and Organizations tell us-east-1
  # alone, so other regions are sent here as other accounts are: modules/forward puts them on the bus of our own.
  bus_name = local.name
  bus_arn  = "arn:${local.partition}:events:${local.region}:${local.account_id}:event-bus/${local.bus_name}"
  buses    = { default = "default", central = local.bus_name }
  rule_arn = "arn:${local.partition}:events:${local.region}:${local.account_id}:rule"

  change_rule_names = { for bus in keys(local.buses) : bus => "${local.name}-changes" }
  change_rule_arns  = ["${local.rule_arn}/${local.name}-changes", "${local.rule_arn}/${local.bus_name}/${local.name}-changes"]

  # A prefix of S3's is a wildcard of EventBridge's, where no two of them may touch.
  state_rules = { for bucket in var.state_buckets : bucket.name => {
    name = substr("${local.name}-state-${replace(bucket.name, ".", "-")}", 0, 64)
    keys = [for key in bucket.keys : { wildcard = replace(key, "/[*?]+/", "*") }]
  } }

  # The senders of a queue, and the queue that its messages end in when nobody can take them.
  queues = {
    events     = { rules = local.change_rule_arns, dead_letters = "events_dlq", retention = 1209600, receives = 20 }
    events_dlq = { rules = local.change_rule_arns, dead_letters = null, retention = 1209600, receives = null }
    # A notification only says "look now". The poll finds what an old one would.
    state     = { rules = [for rule in local.state_rules : "${local.rule_arn}/${rule.name}"], dead_letters = "state_dlq", retention = 3600, receives = 5 }
    state_dlq = { rules = [for rule in local.state_rules : "${local.rule_arn}/${rule.name}"], dead_letters = null, retention = 1209600, receives = null }
  }
}

# --- queues ---

resource "aws_sqs_queue" "this" {
  for_each = local.queues

  name                              = local.queue_names[each.key]
  message_retention_seconds         = each.value.retention
  receive_wait_time_seconds         = 20
  visibility_timeout_seconds        = 60 # queue_visibility_secs of the measured configuration is asked for at each receive
  kms_master_key_id                 = aws_kms_key.data.arn
  kms_data_key_reuse_period_seconds = 300
}

# A message that ends the enclave comes back as often as the enclave does. One that waits for its state does not count: it
# is hidden, not received again. On its own, since SQS refuses a dead-letter queue that is not there.
resource "aws_sqs_queue_redrive_policy" "this" {
  for_each = { for name, queue in local.queues : name => queue if queue.dead_letters != null }

  queue_url = aws_sqs_queue.this[each.key].url
  redrive_policy = jsonencode({
    deadLetterTargetArn = local.queue_arns[each.value.dead_letters]
    maxReceiveCount     = each.value.receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "this" {
  for_each = local.queues

  queue_url = aws_sqs_queue.this[each.key].url
  redrive_allow_policy = each.value.dead_letters != null ? jsonencode({ redrivePermission = "denyAll" }) : jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [for name, queue in local.queues : local.queue_arns[name] if queue.dead_letters == each.key]
  })
}

data "aws_iam_policy_document" "queue" {
  for_each = local.queues

  statement {
    sid       = "DeliverFromRules"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arns[each.key]]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = each.value.rules
    }
  }

  # An event that somebody made up could "resolve" a drift. The key is absent for nobody whom this is about.
  statement {
    sid       = "DenyForgedEvents"
    effect    = "Deny"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arns[each.key]]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = var.kms_admin_role_arns # who moves messages back from a dead-letter queue
    }
  }

  statement {
    sid       = "DenyTakingByOthers"
    effect    = "Deny"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
    resources = [local.queue_arns[each.key]]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = each.value.dead_letters == null ? var.kms_admin_role_arns : [local.role_arns.enclave]
    }
  }

  statement {
    sid       = "DenyPurge"
    effect    = "Deny"
    actions   = ["sqs:PurgeQueue"]
    resources = [local.queue_arns[each.key]]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  statement {
    sid       = "DenyReconfigurationByOthers"
    effect    = "Deny"
    actions   = ["sqs:SetQueueAttributes", "sqs:AddPermission", "sqs:RemovePermission", "sqs:DeleteQueue"]
    resources = [local.queue_arns[each.key]]
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

  statement {
    sid       = "DenyHosts"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arns[each.key]]
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

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arns[each.key]]
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

resource "aws_sqs_queue_policy" "this" {
  for_each = aws_sqs_queue.this

  queue_url = each.value.url
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

# --- our own bus, for other accounts and regions ---

resource "aws_cloudwatch_event_bus" "central" {
  name        = local.bus_name
  description = "Management events of other accounts and regions, from modules/forward"
}

# EventBridge lets nobody put an event whose source begins with "aws." himself: a forwarded one is AWS's own.
data "aws_iam_policy_document" "bus" {
  dynamic "statement" {
    for_each = length(var.member_account_ids) > 0 ? [true] : []
    content {
      sid       = "ForwardFromAccounts"
      actions   = ["events:PutEvents"]
      resources = [local.bus_arn]
      principals {
        type        = "AWS"
        identifiers = [for account in var.member_account_ids : "arn:${local.partition}:iam::${account}:root"]
      }
      condition {
        test     = "StringEquals"
        variable = "events:detail-type"
        values   = local.change_types
      }
      condition {
        test     = "StringLike"
        variable = "events:source"
        values   = ["aws.*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.organization_id == null ? [] : [var.organization_id]
    content {
      sid       = "ForwardFromOrganization"
      actions   = ["events:PutEvents"]
      resources = [local.bus_arn]
      principals {
        type        = "*"
        identifiers = ["*"]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [statement.value]
      }
      condition {
        test     = "StringEquals"
        variable = "events:detail-type"
        values   = local.change_types
      }
      condition {
        test     = "StringLike"
        variable = "events:source"
        values   = ["aws.*"]
      }
    }
  }

  statement {
    sid       = "DenyHosts"
    effect    = "Deny"
    actions   = ["events:PutEvents"]
    resources = [local.bus_arn]
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

resource "aws_cloudwatch_event_bus_policy" "central" {
  event_bus_name = aws_cloudwatch_event_bus.central.name
  policy         = data.aws_iam_policy_document.bus.json
}

# --- rules ---

resource "aws_cloudwatch_event_rule" "changes" {
  for_each = local.change_rule_names

  name           = each.value
  description    = "Every change that CloudTrail reports"
  event_bus_name = each.key == "default" ? "default" : aws_cloudwatch_event_bus.central.name
  event_pattern  = jsonencode({ detail-type = local.change_types })
}

resource "aws_cloudwatch_event_target" "changes" {
  for_each = aws_cloudwatch_event_rule.changes

  rule           = each.value.name
  event_bus_name = each.value.event_bus_name
  target_id      = "events"
  arn            = local.queue_arns.events

  dead_letter_config {
    arn = local.queue_arns.events_dlq
  }
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  depends_on = [aws_sqs_queue_policy.this]
}

resource "aws_cloudwatch_event_rule" "state" {
  for_each = local.state_rules

  name        = each.value.name
  description = "New versions of the Terraform states in ${each.key}"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created", "Object Deleted"]
    detail = {
      bucket = { name = [each.key] }
      object = { key = each.value.keys }
    }
  })
}

resource "aws_cloudwatch_event_target" "state" {
  for_each = aws_cloudwatch_event_rule.state

  rule      = each.value.name
  target_id = "state"
  arn       = local.queue_arns.state

  dead_letter_config {
    arn = local.queue_arns.state_dlq
  }

  depends_on = [aws_sqs_queue_policy.this]
}

# --- the trail that EventBridge's events come from ---

# Without a trail EventBridge is told of no API call. Its files are also the backfill for the time before the rules existed.
# False where an organization's trail covers this account.
resource "aws_cloudtrail" "this" {
  count = var.create_trail ? 1 : 0

  name                          = local.trail_name
  s3_bucket_name                = aws_s3_bucket.this["logs"].id
  s3_key_prefix                 = local.cloudtrail_prefix
  kms_key_id                    = aws_kms_key.data.arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true

  # Reading too, and KMS's: a Decrypt without attestation is told through this trail.
  event_selector {
    read_write_type           = "All"
    include_management_events = true
  }

  depends_on = [aws_s3_bucket_policy.this]
}
