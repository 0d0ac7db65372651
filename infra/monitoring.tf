# What people are told, and by whom. The enclave's own metrics are put by the enclave role, which the host does not have:
# the host can stop them, which breaches, and cannot make them up. Everything else here AWS reports itself.

locals {
  # What the enclave puts into namespace DriftSeal with the one dimension Environment. Latency as single values, not as a
  # statistic set, of which CloudWatch could tell no percentile.
  enclave_metrics = {
    heartbeat            = "Heartbeat"           # 1 each minute in which events are judged
    starts               = "EnclaveStarts"       # 1 at each start that came to serving
    errors               = "DetectorErrors"      # what had to be tried again or was given up
    latency              = "EventToAlertLatency" # ms from the receipt of an event to its alert in the ledger
    attestation_failures = "AttestationFailures" # unwraps refused, and answers that did not verify
    refresh_failures     = "DekRefreshFailures"  # looks for a new data key that failed
  }
  enclave_dimensions = { Environment = var.environment }
}

# --- where alarms go ---

resource "aws_sns_topic" "alarms" {
  name              = local.topic_name
  kms_master_key_id = aws_kms_key.data.arn
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "PublishAlarms"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]
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

  # EventBridge publishes to topics without a source that a condition could name.
  statement {
    sid       = "PublishEvents"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }

  statement {
    sid    = "DenySilencingByOthers"
    effect = "Deny"
    actions = [
      "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:AddPermission", "sns:RemovePermission", "sns:Subscribe",
    ]
    resources = [local.topic_arn]
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
    actions   = ["sns:Publish", "sns:Subscribe", "sns:SetTopicAttributes", "sns:DeleteTopic"]
    resources = [local.topic_arn]
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
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]
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

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

# --- alarms ---

locals {
  # Unless a row says otherwise: the enclave's metric, summed over five minutes, above 0, and no data is good news.
  alarm_defaults = {
    namespace  = local.metric_namespace
    dimensions = local.enclave_dimensions
    statistic  = "Sum"
    period     = 300
    periods    = 1
    operator   = "GreaterThanThreshold"
    threshold  = 0
    missing    = "notBreaching"
  }

  alarms = merge(
    {
      # The dead man's switch: whatever stops the enclave, its host included, stops this.
      heartbeat = {
        metric   = local.enclave_metrics.heartbeat, period = 60, periods = 5, threshold = 1, operator = "LessThanThreshold"
        missing  = "breaching"
        describe = "For five minutes nobody judged events"
      }
      detector-errors = {
        metric   = local.enclave_metrics.errors, period = 600, threshold = 5
        describe = "More than 5 errors of the detector in 10 minutes"
      }
      latency-average = {
        metric   = local.enclave_metrics.latency, statistic = "Average", threshold = 800, periods = 3
        describe = "From event to alert over 800 ms on average"
      }
      latency-p95 = {
        metric   = local.enclave_metrics.latency, statistic = "p95", threshold = var.latency_p95_ms, periods = 3
        describe = "From event to alert: slow for one in twenty"
      }
      latency-p99 = {
        metric   = local.enclave_metrics.latency, statistic = "p99", threshold = var.latency_p99_ms, periods = 3
        describe = "From event to alert: slow for one in a hundred"
      }
      enclave-restarts = {
        metric   = local.enclave_metrics.starts, period = 1800, threshold = 2
        describe = "The enclave started more than twice in half an hour"
      }
      attestation-failures = {
        metric   = local.enclave_metrics.attestation_failures
        describe = "The enclave was refused a key, or got an answer that did not verify"
      }
      # As many looks in a row as the enclave itself alarms after, at its default interval.
      dek-refresh-failures = {
        metric   = local.enclave_metrics.refresh_failures, period = 900, threshold = 2
        describe = "Three looks for a new data key failed"
      }
      # An enclave without the right image has no role to put metrics with; KMS tells of it all the same.
      kms-denied = {
        namespace = "AWS/Events", metric = "TriggeredRules", dimensions = { RuleName = local.watch_names.kms-denied }
        describe  = "KMS refused a Decrypt under the enclave's key"
      }
      # Above the time for which a change by Terraform waits for its state, hidden in the queue.
      oldest-event = {
        namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = local.queue_names.events }
        statistic = "Maximum", threshold = var.oldest_event_secs
        describe  = "Events wait in their queue for too long"
      }
    },
    { for queue in ["events_dlq", "state_dlq"] : replace(queue, "_", "-") => {
      namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = local.queue_names[queue] }
      statistic = "Maximum", period = 60
      describe  = "Messages that nobody could take are in ${local.queue_names[queue]}"
    } },
    { for bus, name in local.buses : "lost-${bus}" => {
      namespace  = "AWS/Events", metric = "InvocationsFailedToBeSentToDlq"
      dimensions = merge({ RuleName = local.change_rule_names[bus] }, bus == "default" ? {} : { EventBusName = name })
      describe   = "Events reached neither their queue nor its dead-letter queue: bring them in from the trail"
    } },
    local.rotates ? { rotation-failed = {
      namespace = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = local.rotation_name }
      describe  = "A rotation failed; the present key stays in use"
    } } : {},
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => merge(local.alarm_defaults, alarm) }

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.describe
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]

  depends_on = [aws_sns_topic_policy.alarms]
}

# Costs by service, of the whole account: budgets know no other scope without cost allocation tags.
resource "aws_budgets_budget" "service" {
  for_each = local.partition == "aws" ? var.monthly_cost_limits_usd : {}

  name         = "${local.name}-${each.key}"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(each.value)
  limit_unit   = "USD"

  cost_filter {
    name   = "Service"
    values = [each.key]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }
    content {
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [local.topic_arn]
    }
  }

  depends_on = [aws_sns_topic_policy.alarms]
}
