locals {
  dashboard_name = local.name

  # Each row of the dashboard is two halves.
  charts = [
    {
      title   = "Alive, and starts"
      metrics = [for key in ["heartbeat", "starts"] : [local.metric_namespace, local.enclave_metrics[key], "Environment", var.environment, { stat = "Sum" }]]
    },
    {
      title   = "Event to alert, ms"
      metrics = [for stat in ["Average", "p95", "p99"] : [local.metric_namespace, local.enclave_metrics.latency, "Environment", var.environment, { stat = stat, label = stat }]]
    },
    {
      title   = "Errors"
      metrics = [for key in ["errors", "attestation_failures", "refresh_failures"] : [local.metric_namespace, local.enclave_metrics[key], "Environment", var.environment, { stat = "Sum" }]]
    },
    {
      title   = "Refused and touched"
      metrics = [for name in ["kms-denied", "kms-unattested", "kms-changed", "trust-changed", "secrets-changed", "queues-changed"] : ["AWS/Events", "TriggeredRules", "RuleName", local.watch_names[name], { stat = "Sum", label = name }]]
    },
    {
      title   = "Events: sent, taken"
      metrics = [for metric in ["NumberOfMessagesSent", "NumberOfMessagesDeleted"] : ["AWS/SQS", metric, "QueueName", local.queue_names.events, { stat = "Sum" }]]
    },
    {
      title = "Waiting: age in seconds, dead letters"
      metrics = concat(
        [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", local.queue_names.events, { stat = "Maximum" }]],
        [for queue in ["events_dlq", "state_dlq"] : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.queue_names[queue], { stat = "Maximum", yAxis = "right" }]],
      )
    },
    {
      title   = "Rotations"
      metrics = [for metric in ["Invocations", "Errors"] : ["AWS/Lambda", metric, "FunctionName", local.rotation_name, { stat = "Sum" }]]
    },
    {
      # Billing reports its metrics in us-east-1 alone, and as a month's sum so far.
      title   = "Estimated charges of the month by service, USD"
      region  = "us-east-1"
      period  = 86400
      metrics = [for service in local.charged_services : ["AWS/Billing", "EstimatedCharges", "ServiceName", service, "Currency", "USD", { stat = "Maximum", label = service }]]
    },
  ]
  charged_services = ["AmazonEC2", "AmazonEKS", "AmazonVPC", "AmazonCloudWatch", "AmazonS3", "awskms", "AWSSecretsManager", "CodeBuild", "AmazonECR", "AWSQueueService"]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.dashboard_name
  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type = "alarm", x = 0, y = 0, width = 24, height = 4
        properties = {
          title  = "Alarms"
          alarms = [for name in sort(keys(local.alarms)) : "arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}:alarm:${local.name}-${name}"]
        }
      }],
      [for at, chart in local.charts : {
        type = "metric", x = at % 2 * 12, y = 4 + floor(at / 2) * 6, width = 12, height = 6
        properties = {
          title   = chart.title
          view    = "timeSeries"
          region  = lookup(chart, "region", local.region)
          period  = lookup(chart, "period", 60)
          metrics = chart.metrics
        }
      }],
      [{
        type = "log", x = 0, y = 4 + ceil(length(local.charts) / 2) * 6, width = 24, height = 6
        properties = {
          title  = "Watched calls"
          region = local.region
          view   = "table"
          query  = "SOURCE '${local.audit_group}' | fields @timestamp, detail.eventName, detail.userIdentity.arn, detail.errorCode, detail.eventID | sort @timestamp desc | limit 50"
        }
      }],
    )
  })
}
