# Calls that open the gate, take its keys or silence the detector: told the moment they happen, and kept.

locals {
  audit_group     = "/aws/events/${local.name}-audit"
  audit_group_arn = "${local.log_group_prefix}:${local.audit_group}"

  # Of a refused call CloudTrail may know the key from the error's text alone.
  on_dek = { "$or" = [
    { resources = { ARN = [aws_kms_key.enclave_dek.arn] } },
    { errorMessage = [{ wildcard = "*${aws_kms_key.enclave_dek.arn}*" }] },
  ] }
  not_attested = { additionalEventData = { recipient = { attestationDocumentEnclaveImageDigest = [{ exists = false }] } } }
  named        = [{ prefix = "${local.name}-" }]

  # Calls to watch: the service, the calls, and on what. `all`: CloudTrail marks them as reading, so the rule has to ask for
  # those too. `quiet`: for an alarm, since whoever is refused may try a thousand times.
  calls = {
    kms-changed = {
      source = "aws.kms"
      calls = [
        "PutKeyPolicy", "CreateGrant", "RevokeGrant", "ScheduleKeyDeletion", "CancelKeyDeletion", "DisableKey", "EnableKey",
        "DisableKeyRotation", "DeleteAlias", "UpdateAlias",
      ]
      where    = local.on_dek
      describe = "The key that wraps the data key was touched"
    }
    kms-unattested = {
      source   = "aws.kms"
      calls    = ["Decrypt", "DeriveSharedSecret"]
      where    = merge({ resources = { ARN = [aws_kms_key.enclave_dek.arn] } }, local.not_attested, { errorCode = [{ exists = false }] })
      all      = true
      describe = "A key of the enclave was decrypted without attestation: its key policy has a hole"
    }
    kms-denied = {
      source   = "aws.kms"
      calls    = ["Decrypt", "DeriveSharedSecret"]
      where    = merge({ errorCode = [{ exists = true }] }, local.on_dek)
      all      = true
      quiet    = true
      describe = "KMS refused a Decrypt under the enclave's key"
    }
    trust-changed = {
      source   = "aws.rolesanywhere"
      calls    = [{ anything-but = ["CreateSession"] }]
      where    = {}
      describe = "A trust anchor or profile of IAM Roles Anywhere was changed"
    }
    # IAM reports in us-east-1 alone; modules/forward brings it here from there.
    roles-changed = {
      source = "aws.iam"
      calls = [
        "UpdateAssumeRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRole",
        "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
      ]
      where    = { requestParameters = { roleName = local.named } }
      bus      = local.region == "us-east-1" ? "default" : "central"
      describe = "A role of DriftSeal was changed"
    }
    secrets-changed = {
      source = "aws.secretsmanager"
      calls = [
        "DeleteSecret", "RestoreSecret", "UpdateSecret", "PutResourcePolicy", "DeleteResourcePolicy", "CancelRotateSecret",
      ]
      where    = { requestParameters = { secretId = [{ wildcard = "*${local.name}/*" }] } }
      describe = "A secret with a wrapped key was deleted or changed"
    }
    queues-changed = {
      source   = "aws.sqs"
      calls    = ["DeleteQueue", "PurgeQueue", "SetQueueAttributes", "AddPermission", "RemovePermission"]
      where    = { requestParameters = { queueUrl = [{ wildcard = "*/${local.name}-*" }] } }
      describe = "A queue of events was deleted, emptied or changed"
    }
    rules-changed = {
      source = "aws.events"
      calls  = ["DeleteRule", "DisableRule", "PutRule", "RemoveTargets", "PutTargets", "DeleteEventBus", "RemovePermission"]
      where = { "$or" = [
        { requestParameters = { name = [{ prefix = local.name }] } },
        { requestParameters = { rule = [{ prefix = local.name }] } },
        { requestParameters = { eventBusName = [{ prefix = local.name }] } },
      ] }
      describe = "A rule that events come by was changed"
    }
    trail-changed = {
      source   = "aws.cloudtrail"
      calls    = ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "PutInsightSelectors"]
      where    = {}
      describe = "A trail that events come from was stopped or changed"
    }
    alarms-changed = {
      source   = "aws.monitoring"
      calls    = ["DeleteAlarms", "DisableAlarmActions", "DeleteDashboards"]
      where    = {}
      describe = "Alarms were deleted or switched off"
    }
    topic-changed = {
      source   = "aws.sns"
      calls    = ["DeleteTopic", "SetTopicAttributes", "Unsubscribe", "RemovePermission"]
      where    = {}
      describe = "Somebody may no longer be told"
    }
    buckets-changed = {
      source = "aws.s3"
      calls = [
        "PutBucketPolicy", "DeleteBucketPolicy", "DeleteBucket", "PutBucketVersioning", "PutObjectLockConfiguration",
        "PutBucketObjectLockConfiguration", "PutBucketLifecycle", "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock",
        "PutBucketEncryption", "DeleteBucketEncryption", "PutBucketReplication",
      ]
      where    = { requestParameters = { bucketName = values(local.bucket_names) } }
      describe = "The bucket of the ledger, of reports or of logs was changed"
    }
    images-changed = {
      source = "aws.ecr"
      calls = [
        "BatchDeleteImage", "DeleteRepository", "PutImageTagMutability", "PutLifecyclePolicy", "DeleteLifecyclePolicy",
        "SetRepositoryPolicy", "DeleteRepositoryPolicy", "PutReplicationConfiguration",
      ]
      where    = { requestParameters = { repositoryName = [{ prefix = "${local.name}/" }] } }
      describe = "Images or their repository were deleted or changed"
    }
    # Who decided what, by the call; when one is waited for, by the pipeline.
    gate-used = {
      source = "aws.codepipeline"
      calls  = ["PutApprovalResult", "OverrideStageCondition", "UpdatePipeline", "DeletePipeline"]
      where = { "$or" = [
        { requestParameters = { pipelineName = [local.pipeline_name] } },
        { requestParameters = { name = [local.pipeline_name] } },
        { requestParameters = { pipeline = { name = [local.pipeline_name] } } },
      ] }
      describe = "The gate was used or changed"
    }
  }

  call_paths = {
    call    = "$.detail.eventName"
    who     = "$.detail.userIdentity.arn"
    from    = "$.detail.sourceIPAddress"
    error   = "$.detail.errorCode"
    event   = "$.detail.eventID"
    account = "$.account"
    region  = "$.region"
    time    = "$.time"
  }
  call_text = "<call> at <time> by <who> from <from> in <account> <region>, error <error>. CloudTrail event <event>."

  watch = merge(
    { for name, row in local.calls : name => {
      bus      = lookup(row, "bus", "default")
      all      = lookup(row, "all", false)
      quiet    = lookup(row, "quiet", false)
      describe = row.describe
      paths    = local.call_paths
      text     = "${row.describe}. ${local.call_text}"
      pattern = jsonencode({
        source      = [row.source]
        detail-type = ["AWS API Call via CloudTrail"]
        detail      = merge({ eventName = row.calls }, row.where)
      })
    } },
    {
      approvals = {
        bus      = "default"
        all      = false
        quiet    = false
        describe = "An approval of the pipeline waits, or was decided"
        paths    = { stage = "$.detail.stage", action = "$.detail.action", state = "$.detail.state", run = "$.detail.execution-id", time = "$.time" }
        text     = "Approval <stage>/<action> of execution <run>: <state> at <time>."
        pattern = jsonencode({
          source      = ["aws.codepipeline"]
          detail-type = ["CodePipeline Action Execution State Change"]
          detail      = { pipeline = [local.pipeline_name], type = { category = ["Approval"] } }
        })
      }
      # Basic scanning tells once an image; enhanced scanning each finding, also one that becomes known later.
      scan-basic = {
        bus      = "default"
        all      = false
        quiet    = false
        describe = "An image was pushed with critical findings"
        paths    = { repository = "$.detail.repository-name", digest = "$.detail.image-digest", count = "$.detail.finding-severity-counts.CRITICAL" }
        text     = "<repository> <digest> has <count> critical findings."
        pattern = jsonencode({
          source      = ["aws.ecr"]
          detail-type = ["ECR Image Scan"]
          detail      = { repository-name = [{ prefix = "${local.name}/" }], finding-severity-counts = { CRITICAL = [{ numeric = [">", 0] }] } }
        })
      }
      scan-enhanced = {
        bus      = "default"
        all      = false
        quiet    = false
        describe = "An image has a critical or high finding"
        paths    = { title = "$.detail.title", severity = "$.detail.severity", finding = "$.detail.findingArn", image = "$.resources[0]" }
        text     = "<severity>: <title> in <image>. <finding>"
        pattern = jsonencode({
          source      = ["aws.inspector2"]
          detail-type = ["Inspector2 Finding"]
          detail = {
            severity  = ["CRITICAL", "HIGH"]
            status    = ["ACTIVE"]
            resources = { details = { awsEcrContainerImage = { repositoryName = [{ prefix = "${local.name}/" }] } } }
          }
        })
      }
    },
  )
  # Known before the rules are, for the alarm that counts one.
  watch_names = { for name in concat(keys(local.calls), ["approvals", "scan-basic", "scan-enhanced"]) : name => "${local.name}-${name}" }
}

resource "aws_cloudwatch_event_rule" "watch" {
  for_each = local.watch

  name           = local.watch_names[each.key]
  description    = each.value.describe
  event_bus_name = each.value.bus == "central" ? aws_cloudwatch_event_bus.central.name : "default"
  event_pattern  = each.value.pattern
  state          = each.value.all ? "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" : "ENABLED"
}

resource "aws_cloudwatch_event_target" "tell" {
  for_each = { for name, row in local.watch : name => row if !row.quiet }

  rule           = aws_cloudwatch_event_rule.watch[each.key].name
  event_bus_name = aws_cloudwatch_event_rule.watch[each.key].event_bus_name
  target_id      = "tell"
  arn            = local.topic_arn

  input_transformer {
    input_paths    = each.value.paths
    input_template = "\"DriftSeal ${var.environment}: ${each.value.text}\""
  }

  depends_on = [aws_sns_topic_policy.alarms]
}

# --- and kept ---

resource "aws_cloudwatch_log_group" "audit" {
  name              = local.audit_group
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

data "aws_iam_policy_document" "audit" {
  statement {
    sid       = "KeepEvents"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.audit_group_arn}:*"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "delivery.logs.amazonaws.com"]
    }
  }
}

resource "aws_cloudwatch_log_resource_policy" "audit" {
  policy_name     = "${local.name}-audit"
  policy_document = data.aws_iam_policy_document.audit.json
}

resource "aws_cloudwatch_event_target" "keep" {
  for_each = local.watch

  rule           = aws_cloudwatch_event_rule.watch[each.key].name
  event_bus_name = aws_cloudwatch_event_rule.watch[each.key].event_bus_name
  target_id      = "keep"
  arn            = local.audit_group_arn

  depends_on = [aws_cloudwatch_log_resource_policy.audit, aws_cloudwatch_log_group.audit]
}
