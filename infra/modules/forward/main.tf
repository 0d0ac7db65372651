# Sends one account's management events, in one region, to DriftSeal's bus. Apply it in each member account, and in each
# further region of any account: above all us-east-1, where IAM, Route 53, CloudFront and Organizations report.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

locals {
  # Roles are the account's, rules the region's.
  role_name = "${var.name}-forward-${var.aws_region}"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

data "aws_iam_policy_document" "put" {
  statement {
    sid       = "PutOnBus"
    actions   = ["events:PutEvents"]
    resources = [var.bus_arn]
  }
}

resource "aws_iam_role" "forward" {
  name               = local.role_name
  description        = "Management events of ${var.aws_region} to DriftSeal"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "forward" {
  name   = "put-events"
  role   = aws_iam_role.forward.id
  policy = data.aws_iam_policy_document.put.json
}

# The same pattern as in events.tf, without any filter of its own.
resource "aws_cloudwatch_event_rule" "forward" {
  name        = "${var.name}-forward"
  description = "Every change that CloudTrail reports, to DriftSeal"
  event_pattern = jsonencode({
    detail-type = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Action via CloudTrail"]
  })
}

resource "aws_cloudwatch_event_target" "forward" {
  rule      = aws_cloudwatch_event_rule.forward.name
  target_id = "driftseal"
  arn       = var.bus_arn
  role_arn  = aws_iam_role.forward.arn

  dynamic "dead_letter_config" {
    for_each = var.dead_letter_queue_arn == null ? [] : [var.dead_letter_queue_arn]
    content {
      arn = dead_letter_config.value
    }
  }
}
