# Alarms, watched calls and the dashboard.
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

override_resource {
  target          = aws_kms_key.enclave_dek
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-west-1:111122223333:key/0b8f2d6e-5c1a-4f3b-9e7d-6a4c2b1d0e9f" }
}

run "alarms" {
  command = plan

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["heartbeat"].namespace, aws_cloudwatch_metric_alarm.this["heartbeat"].metric_name, aws_cloudwatch_metric_alarm.this["heartbeat"].statistic, aws_cloudwatch_metric_alarm.this["heartbeat"].period, aws_cloudwatch_metric_alarm.this["heartbeat"].evaluation_periods, aws_cloudwatch_metric_alarm.this["heartbeat"].comparison_operator, aws_cloudwatch_metric_alarm.this["heartbeat"].threshold, aws_cloudwatch_metric_alarm.this["heartbeat"].treat_missing_data] == ["DriftSeal", "Heartbeat", "Sum", 60, 5, "LessThanThreshold", 1, "breaching"]
    error_message = "silence is an alarm"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["detector-errors"].namespace, aws_cloudwatch_metric_alarm.this["detector-errors"].metric_name, aws_cloudwatch_metric_alarm.this["detector-errors"].statistic, aws_cloudwatch_metric_alarm.this["detector-errors"].period, aws_cloudwatch_metric_alarm.this["detector-errors"].evaluation_periods, aws_cloudwatch_metric_alarm.this["detector-errors"].comparison_operator, aws_cloudwatch_metric_alarm.this["detector-errors"].threshold, aws_cloudwatch_metric_alarm.this["detector-errors"].treat_missing_data] == ["DriftSeal", "DetectorErrors", "Sum", 600, 1, "GreaterThanThreshold", 5, "notBreaching"]
    error_message = "more than 5 errors in 10 minutes"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["latency-average"].namespace, aws_cloudwatch_metric_alarm.this["latency-average"].metric_name, aws_cloudwatch_metric_alarm.this["latency-average"].statistic, aws_cloudwatch_metric_alarm.this["latency-average"].period, aws_cloudwatch_metric_alarm.this["latency-average"].evaluation_periods, aws_cloudwatch_metric_alarm.this["latency-average"].comparison_operator, aws_cloudwatch_metric_alarm.this["latency-average"].threshold, aws_cloudwatch_metric_alarm.this["latency-average"].treat_missing_data] == ["DriftSeal", "EventToAlertLatency", "Average", 300, 3, "GreaterThanThreshold", 800, "notBreaching"]
    error_message = "over 800 ms on average"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["latency-p95"].namespace, aws_cloudwatch_metric_alarm.this["latency-p95"].metric_name, aws_cloudwatch_metric_alarm.this["latency-p95"].extended_statistic, aws_cloudwatch_metric_alarm.this["latency-p95"].period, aws_cloudwatch_metric_alarm.this["latency-p95"].evaluation_periods, aws_cloudwatch_metric_alarm.this["latency-p95"].comparison_operator, aws_cloudwatch_metric_alarm.this["latency-p95"].threshold, aws_cloudwatch_metric_alarm.this["latency-p95"].treat_missing_data] == ["DriftSeal", "EventToAlertLatency", "p95", 300, 3, "GreaterThanThreshold", 1500, "notBreaching"]
    error_message = "p95"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["latency-p99"].namespace, aws_cloudwatch_metric_alarm.this["latency-p99"].metric_name, aws_cloudwatch_metric_alarm.this["latency-p99"].extended_statistic, aws_cloudwatch_metric_alarm.this["latency-p99"].period, aws_cloudwatch_metric_alarm.this["latency-p99"].evaluation_periods, aws_cloudwatch_metric_alarm.this["latency-p99"].comparison_operator, aws_cloudwatch_metric_alarm.this["latency-p99"].threshold, aws_cloudwatch_metric_alarm.this["latency-p99"].treat_missing_data] == ["DriftSeal", "EventToAlertLatency", "p99", 300, 3, "GreaterThanThreshold", 3000, "notBreaching"]
    error_message = "p99"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["enclave-restarts"].namespace, aws_cloudwatch_metric_alarm.this["enclave-restarts"].metric_name, aws_cloudwatch_metric_alarm.this["enclave-restarts"].statistic, aws_cloudwatch_metric_alarm.this["enclave-restarts"].period, aws_cloudwatch_metric_alarm.this["enclave-restarts"].evaluation_periods, aws_cloudwatch_metric_alarm.this["enclave-restarts"].comparison_operator, aws_cloudwatch_metric_alarm.this["enclave-restarts"].threshold, aws_cloudwatch_metric_alarm.this["enclave-restarts"].treat_missing_data] == ["DriftSeal", "EnclaveStarts", "Sum", 1800, 1, "GreaterThanThreshold", 2, "notBreaching"]
    error_message = "restarts"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["attestation-failures"].namespace, aws_cloudwatch_metric_alarm.this["attestation-failures"].metric_name, aws_cloudwatch_metric_alarm.this["attestation-failures"].statistic, aws_cloudwatch_metric_alarm.this["attestation-failures"].period, aws_cloudwatch_metric_alarm.this["attestation-failures"].evaluation_periods, aws_cloudwatch_metric_alarm.this["attestation-failures"].comparison_operator, aws_cloudwatch_metric_alarm.this["attestation-failures"].threshold, aws_cloudwatch_metric_alarm.this["attestation-failures"].treat_missing_data] == ["DriftSeal", "AttestationFailures", "Sum", 300, 1, "GreaterThanThreshold", 0, "notBreaching"]
    error_message = "attestation"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].namespace, aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].metric_name, aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].statistic, aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].period, aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].evaluation_periods, aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].comparison_operator, aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].threshold, aws_cloudwatch_metric_alarm.this["dek-refresh-failures"].treat_missing_data] == ["DriftSeal", "DekRefreshFailures", "Sum", 900, 1, "GreaterThanThreshold", 2, "notBreaching"]
    error_message = "three looks in a row"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["kms-denied"].namespace, aws_cloudwatch_metric_alarm.this["kms-denied"].metric_name, aws_cloudwatch_metric_alarm.this["kms-denied"].statistic, aws_cloudwatch_metric_alarm.this["kms-denied"].period, aws_cloudwatch_metric_alarm.this["kms-denied"].evaluation_periods, aws_cloudwatch_metric_alarm.this["kms-denied"].comparison_operator, aws_cloudwatch_metric_alarm.this["kms-denied"].threshold, aws_cloudwatch_metric_alarm.this["kms-denied"].treat_missing_data] == ["AWS/Events", "TriggeredRules", "Sum", 300, 1, "GreaterThanThreshold", 0, "notBreaching"]
    error_message = "KMS refused"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["oldest-event"].namespace, aws_cloudwatch_metric_alarm.this["oldest-event"].metric_name, aws_cloudwatch_metric_alarm.this["oldest-event"].statistic, aws_cloudwatch_metric_alarm.this["oldest-event"].period, aws_cloudwatch_metric_alarm.this["oldest-event"].evaluation_periods, aws_cloudwatch_metric_alarm.this["oldest-event"].comparison_operator, aws_cloudwatch_metric_alarm.this["oldest-event"].threshold, aws_cloudwatch_metric_alarm.this["oldest-event"].treat_missing_data] == ["AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", 300, 1, "GreaterThanThreshold", 2400, "notBreaching"]
    error_message = "age"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["events-dlq"].namespace, aws_cloudwatch_metric_alarm.this["events-dlq"].metric_name, aws_cloudwatch_metric_alarm.this["events-dlq"].statistic, aws_cloudwatch_metric_alarm.this["events-dlq"].period, aws_cloudwatch_metric_alarm.this["events-dlq"].evaluation_periods, aws_cloudwatch_metric_alarm.this["events-dlq"].comparison_operator, aws_cloudwatch_metric_alarm.this["events-dlq"].threshold, aws_cloudwatch_metric_alarm.this["events-dlq"].treat_missing_data] == ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 60, 1, "GreaterThanThreshold", 0, "notBreaching"]
    error_message = "dead letters"
  }

  assert {
    condition     = [aws_cloudwatch_metric_alarm.this["state-dlq"].namespace, aws_cloudwatch_metric_alarm.this["state-dlq"].metric_name, aws_cloudwatch_metric_alarm.this["state-dlq"].statistic, aws_cloudwatch_metric_alarm.this["state-dlq"].period, aws_cloudwatch_metric_alarm.this["state-dlq"].evaluation_periods, aws_cloudwatch_metric_alarm.this["state-dlq"].comparison_operator, aws_cloudwatch_metric_alarm.this["state-dlq"].threshold, aws_cloudwatch_metric_alarm.this["state-dlq"].treat_missing_data] == ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 60, 1, "GreaterThanThreshold", 0, "notBreaching"]
    error_message = "dead letters"
  }

  assert {
    condition     = alltrue([for name in ["heartbeat", "detector-errors", "latency-p99", "enclave-restarts"] : aws_cloudwatch_metric_alarm.this[name].dimensions == tomap({ Environment = "production" })]) && aws_cloudwatch_metric_alarm.this["kms-denied"].dimensions.RuleName == "driftseal-production-kms-denied"
    error_message = "each alarm looks at this environment"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["lost-central"].dimensions == tomap({ RuleName = "driftseal-production-changes", EventBusName = "driftseal-production" }) && aws_cloudwatch_metric_alarm.this["lost-default"].metric_name == "InvocationsFailedToBeSentToDlq"
    error_message = "a lost event is told"
  }

  assert {
    condition     = alltrue([for a in values(aws_cloudwatch_metric_alarm.this) : one(a.alarm_actions) == "arn:aws:sns:eu-west-1:111122223333:driftseal-production-alarms" && one(a.ok_actions) == one(a.alarm_actions)])
    error_message = "every alarm is told, and its end"
  }

  assert {
    condition     = aws_budgets_budget.service["Amazon Elastic Compute Cloud - Compute"].limit_amount == "600" && toset([for n in aws_budgets_budget.service["EC2 - Other"].notification : n.notification_type]) == toset(["ACTUAL", "FORECASTED"])
    error_message = "costs are told by service"
  }

  assert {
    condition     = toset(values(output.enclave_metrics.names)) == toset(["Heartbeat", "EnclaveStarts", "DetectorErrors", "EventToAlertLatency", "AttestationFailures", "DekRefreshFailures"]) && output.enclave_metrics.namespace == "DriftSeal"
    error_message = "the metrics that the enclave puts"
  }
}

run "watched_calls" {
  command = plan

  assert {
    condition     = length(setsubtract(["PutKeyPolicy", "CreateGrant", "ScheduleKeyDeletion", "DisableKey"], jsondecode(aws_cloudwatch_event_rule.watch["kms-changed"].event_pattern).detail.eventName)) == 0 && jsondecode(aws_cloudwatch_event_rule.watch["kms-changed"].event_pattern).detail["$or"][0].resources.ARN == ["arn:aws:kms:eu-west-1:111122223333:key/0b8f2d6e-5c1a-4f3b-9e7d-6a4c2b1d0e9f"]
    error_message = "whoever touches the key is told of, refused or not"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.watch["kms-changed"].event_pattern).detail["$or"][1].errorMessage[0].wildcard == "*arn:aws:kms:eu-west-1:111122223333:key/0b8f2d6e-5c1a-4f3b-9e7d-6a4c2b1d0e9f*"
    error_message = "a refused call may name its key in the error alone"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.watch["kms-unattested"].event_pattern).detail.additionalEventData.recipient.attestationDocumentEnclaveImageDigest == [{ exists = false }] && contains(jsondecode(aws_cloudwatch_event_rule.watch["kms-unattested"].event_pattern).detail.eventName, "Decrypt")
    error_message = "a Decrypt without attestation is told of"
  }

  assert {
    condition     = alltrue([for name in ["kms-unattested", "kms-denied"] : aws_cloudwatch_event_rule.watch[name].state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])
    error_message = "CloudTrail marks Decrypt as reading, which a plain rule never gets"
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_event_target.tell), "kms-denied") && contains(keys(aws_cloudwatch_event_target.keep), "kms-denied")
    error_message = "a thousand refusals are one alarm, and all kept"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.watch["trust-changed"].event_pattern).source == ["aws.rolesanywhere"] && jsondecode(aws_cloudwatch_event_rule.watch["trust-changed"].event_pattern).detail.eventName[0] == { anything-but = ["CreateSession"] }
    error_message = "any change of trust anchors and profiles is told of"
  }

  assert {
    condition     = contains(jsondecode(aws_cloudwatch_event_rule.watch["secrets-changed"].event_pattern).detail.eventName, "DeleteSecret") && jsondecode(aws_cloudwatch_event_rule.watch["secrets-changed"].event_pattern).detail.requestParameters.secretId == [{ wildcard = "*driftseal-production/*" }]
    error_message = "a deleted secret is told of"
  }

  assert {
    condition     = contains(jsondecode(aws_cloudwatch_event_rule.watch["queues-changed"].event_pattern).detail.eventName, "DeleteQueue") && contains(jsondecode(aws_cloudwatch_event_rule.watch["queues-changed"].event_pattern).detail.eventName, "PurgeQueue")
    error_message = "a deleted or emptied queue is told of"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.watch["roles-changed"].event_bus_name == "driftseal-production"
    error_message = "IAM reports in another region, by the bus of our own"
  }

  assert {
    condition     = contains(jsondecode(aws_cloudwatch_event_rule.watch["gate-used"].event_pattern).detail.eventName, "PutApprovalResult") && jsondecode(aws_cloudwatch_event_rule.watch["approvals"].event_pattern).detail == { pipeline = ["driftseal-production"], type = { category = ["Approval"] } }
    error_message = "approvals are kept: when one waited, and who decided"
  }

  assert {
    condition     = contains(jsondecode(aws_cloudwatch_event_rule.watch["trail-changed"].event_pattern).detail.eventName, "StopLogging") && contains(jsondecode(aws_cloudwatch_event_rule.watch["rules-changed"].event_pattern).detail.eventName, "DisableRule") && contains(jsondecode(aws_cloudwatch_event_rule.watch["images-changed"].event_pattern).detail.eventName, "BatchDeleteImage") && contains(jsondecode(aws_cloudwatch_event_rule.watch["buckets-changed"].event_pattern).detail.eventName, "PutBucketPolicy")
    error_message = "so are the ways to silence the detector"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.watch["scan-basic"].event_pattern).detail["finding-severity-counts"].CRITICAL[0].numeric == [">", 0] && jsondecode(aws_cloudwatch_event_rule.watch["scan-enhanced"].event_pattern).detail.severity == ["CRITICAL", "HIGH"]
    error_message = "findings in images are told of"
  }

  assert {
    condition     = alltrue([for t in values(aws_cloudwatch_event_target.tell) : startswith(t.input_transformer[0].input_template, "\"DriftSeal production: ") && endswith(t.input_transformer[0].input_template, "\"")])
    error_message = "people get a sentence"
  }

  assert {
    condition     = alltrue([for t in values(aws_cloudwatch_event_target.tell) : alltrue([for v in flatten(regexall("<([a-z]+)>", t.input_transformer[0].input_template)) : contains(keys(t.input_transformer[0].input_paths), v)])])
    error_message = "whose every blank is filled"
  }
}

run "topic" {
  command = plan

  variables {
    alarm_emails = ["on-call@example.com"]
  }

  assert {
    condition     = one([for s in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : s if s.Sid == "PublishAlarms"]).Condition.StringEquals["aws:SourceAccount"] == "111122223333"
    error_message = "alarms of this account alone"
  }

  assert {
    condition     = one([for s in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : s if s.Sid == "DenySilencingByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/platform-admin" && contains(one([for s in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : s if s.Sid == "DenySilencingByOthers"]).Action, "sns:DeleteTopic")
    error_message = "nobody else takes the topic away"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : s if s.Sid == "DenyHosts"]).Condition.ArnEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-bootstrap", "arn:aws:iam::111122223333:role/driftseal-production-node", "arn:aws:iam::111122223333:role/driftseal-production-general-node"])
    error_message = "the host tells nothing"
  }

  assert {
    condition     = aws_sns_topic_subscription.email["on-call@example.com"].protocol == "email"
    error_message = "and people subscribe"
  }
}

run "dashboard" {
  command = plan

  assert {
    condition     = length([for w in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : w if w.type == "metric"]) == 8
    error_message = "eight charts"
  }

  assert {
    condition     = length(flatten([for w in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : w.properties.alarms if w.type == "alarm"])) == length(aws_cloudwatch_metric_alarm.this)
    error_message = "every alarm is on it"
  }

  assert {
    condition     = toset([for m in one([for w in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : w.properties.metrics if w.properties.title == "Event to alert, ms"]) : m[4].stat]) == toset(["Average", "p95", "p99"])
    error_message = "latency by average, p95 and p99"
  }

  assert {
    condition     = one([for w in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : w.properties.region if startswith(w.properties.title, "Estimated charges")]) == "us-east-1"
    error_message = "billing reports in one region alone"
  }
}

run "percentiles_the_wrong_way" {
  command         = plan
  expect_failures = [var.latency_p99_ms]

  variables {
    latency_p99_ms = 100
  }
}

run "address_malformed" {
  command         = plan
  expect_failures = [var.alarm_emails]

  variables {
    alarm_emails = ["on-call"]
  }
}

run "cost_limit_zero" {
  command         = plan
  expect_failures = [var.monthly_cost_limits_usd]

  variables {
    monthly_cost_limits_usd = { AmazonS3 = 0 }
  }
}

run "oldest_event_never" {
  command         = plan
  expect_failures = [var.oldest_event_secs]

  variables {
    oldest_event_secs = 2000000
  }
}
