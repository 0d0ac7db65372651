# Events: what is let through, into which queue, and who may put and take.
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

run "rules" {
  command = plan

  assert {
    condition     = alltrue([for r in values(aws_cloudwatch_event_rule.changes) : jsonencode(jsondecode(r.event_pattern)) == jsonencode({ detail-type = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Action via CloudTrail"] })])
    error_message = "no change is filtered out before the enclave sees it"
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.changes)) == toset(["default", "central"])
    error_message = "from this account and region, and from the others"
  }

  assert {
    condition     = alltrue([for t in values(aws_cloudwatch_event_target.changes) : t.arn == "arn:aws:sqs:eu-west-1:111122223333:driftseal-production-events" && t.dead_letter_config[0].arn == "arn:aws:sqs:eu-west-1:111122223333:driftseal-production-events-dlq" && t.retry_policy[0].maximum_event_age_in_seconds == 86400 && t.retry_policy[0].maximum_retry_attempts == 185])
    error_message = "what cannot be delivered is tried for a day and then kept"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_cloudwatch_event_rule.state["terraform-states"].event_pattern).detail) == jsonencode({ bucket = { name = ["terraform-states"] }, object = { key = [{ wildcard = "registry/terraform.tfstate" }, { wildcard = "network/*" }] } })
    error_message = "new states are told of, and other objects are not"
  }

  assert {
    condition     = aws_cloudwatch_event_target.state["terraform-states"].arn == "arn:aws:sqs:eu-west-1:111122223333:driftseal-production-state" && aws_cloudwatch_event_target.state["terraform-states"].dead_letter_config[0].arn == "arn:aws:sqs:eu-west-1:111122223333:driftseal-production-state-dlq"
    error_message = "into a queue of their own"
  }

  assert {
    condition     = aws_cloudtrail.this[0].is_multi_region_trail && aws_cloudtrail.this[0].include_global_service_events && aws_cloudtrail.this[0].enable_log_file_validation
    error_message = "the trail covers all regions and can be verified"
  }

  assert {
    condition     = one(aws_cloudtrail.this[0].event_selector).read_write_type == "All" && length(coalesce(one(aws_cloudtrail.this[0].event_selector).exclude_management_event_sources, [])) == 0
    error_message = "calls of KMS are in the trail"
  }
}

run "queues" {
  command = plan

  assert {
    condition     = toset(keys(aws_sqs_queue.this)) == toset(["events", "events_dlq", "state", "state_dlq"])
    error_message = "two queues, each with its dead letters"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_policy.this["events"].redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:eu-west-1:111122223333:driftseal-production-events-dlq", maxReceiveCount = 20 }
    error_message = "what ends the enclave twenty times is put aside"
  }

  assert {
    condition     = aws_sqs_queue.this["events"].message_retention_seconds == 1209600 && aws_sqs_queue.this["events_dlq"].message_retention_seconds == 1209600
    error_message = "events are kept for as long as SQS can"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this["events_dlq"].redrive_allow_policy).sourceQueueArns == ["arn:aws:sqs:eu-west-1:111122223333:driftseal-production-events"]
    error_message = "only its own queue sends to a dead-letter queue"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Sid == "DeliverFromRules"]).Condition.ArnEquals["aws:SourceArn"]) == toset(["arn:aws:events:eu-west-1:111122223333:rule/driftseal-production-changes", "arn:aws:events:eu-west-1:111122223333:rule/driftseal-production/driftseal-production-changes"])
    error_message = "only our rules deliver"
  }

  assert {
    condition     = length([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Effect == "Allow"]) == 1
    error_message = "nobody else is allowed anything by the queue"
  }

  assert {
    condition     = one([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Sid == "DenyTakingByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/driftseal-production-enclave" && contains(one([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Sid == "DenyTakingByOthers"]).Action, "sqs:ReceiveMessage") && contains(one([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Sid == "DenyTakingByOthers"]).Action, "sqs:DeleteMessage")
    error_message = "only the enclave takes events"
  }

  assert {
    condition     = one([for s in jsondecode(aws_sqs_queue_policy.this["events_dlq"].policy).Statement : s if s.Sid == "DenyTakingByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/platform-admin"
    error_message = "only administrators take dead letters"
  }

  assert {
    condition     = one([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Sid == "DenyForgedEvents"]).Condition.BoolIfExists["aws:PrincipalIsAWSService"] == "false" && one([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Sid == "DenyForgedEvents"]).Action == "sqs:SendMessage"
    error_message = "nobody makes up an event"
  }

  assert {
    condition     = !can(one([for s in jsondecode(aws_sqs_queue_policy.this["events"].policy).Statement : s if s.Sid == "DenyPurge"]).Condition)
    error_message = "nobody empties a queue"
  }

  assert {
    condition     = alltrue([for p in values(aws_sqs_queue_policy.this) : toset(one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyHosts"]).Condition.ArnEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-bootstrap", "arn:aws:iam::111122223333:role/driftseal-production-node", "arn:aws:iam::111122223333:role/driftseal-production-general-node"]) && one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyHosts"]).Action == "sqs:*"])
    error_message = "no queue has anything for the roles that a host can use"
  }

  assert {
    condition     = alltrue([for p in values(aws_sqs_queue_policy.this) : one([for s in jsondecode(p.policy).Statement : s if s.Sid == "DenyPlainHttp"]).Condition.Bool["aws:SecureTransport"] == "false"])
    error_message = "TLS only"
  }
}

run "alone" {
  command = plan

  assert {
    condition     = alltrue([for s in jsondecode(aws_cloudwatch_event_bus_policy.central.policy).Statement : s.Effect == "Deny"])
    error_message = "without members nobody sends events"
  }
}

run "with_members" {
  command = plan

  variables {
    member_account_ids = ["444455556666"]
    organization_id    = "o-a1b2c3d4e5"
    create_trail       = false
  }

  assert {
    condition     = one([for s in jsondecode(aws_cloudwatch_event_bus_policy.central.policy).Statement : s if s.Sid == "ForwardFromAccounts"]).Principal.AWS == "arn:aws:iam::444455556666:root" && one([for s in jsondecode(aws_cloudwatch_event_bus_policy.central.policy).Statement : s if s.Sid == "ForwardFromAccounts"]).Action == "events:PutEvents"
    error_message = "a member account sends events"
  }

  assert {
    condition     = one([for s in jsondecode(aws_cloudwatch_event_bus_policy.central.policy).Statement : s if s.Sid == "ForwardFromOrganization"]).Condition.StringEquals["aws:PrincipalOrgID"] == "o-a1b2c3d4e5"
    error_message = "so do the accounts of the organization, and no other"
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_cloudwatch_event_bus_policy.central.policy).Statement : s.Condition.StringLike["events:source"] == "aws.*" && toset(s.Condition.StringEquals["events:detail-type"]) == toset(["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Action via CloudTrail"]) if s.Effect == "Allow"])
    error_message = "only what CloudTrail reports"
  }

  assert {
    condition     = length(aws_cloudtrail.this) == 0
    error_message = "the organization's trail is enough"
  }
}

run "forwarder" {
  command = plan

  module {
    source = "./modules/forward"
  }

  variables {
    account_id = "444455556666"
    aws_region = "us-east-1"
    bus_arn    = "arn:aws:events:eu-west-1:111122223333:event-bus/driftseal-production"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_cloudwatch_event_rule.forward.event_pattern)) == jsonencode({ detail-type = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Action via CloudTrail"] })
    error_message = "a member filters nothing either"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.forward.policy).Statement : s]).Action == "events:PutEvents" && one([for s in jsondecode(aws_iam_role_policy.forward.policy).Statement : s]).Resource == "arn:aws:events:eu-west-1:111122223333:event-bus/driftseal-production"
    error_message = "and may do nothing but that"
  }
}

run "member_not_twelve_digits" {
  command         = plan
  expect_failures = [var.member_account_ids]

  variables {
    member_account_ids = ["4444"]
  }
}

run "organization_malformed" {
  command         = plan
  expect_failures = [var.organization_id]

  variables {
    organization_id = "example"
  }
}
