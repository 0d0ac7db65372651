# How far each stage of the pipeline reaches, and its reviewer.

# --- roles of the builds ---

data "aws_iam_policy_document" "pipeline_trust" {
  for_each = {
    codebuild    = values(local.project_arns)
    codepipeline = [local.pipeline_arn]
  }

  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = each.value
    }
  }
}

# Builds run what dependencies bring along. These Denies hold whatever is attached to the roles later.
data "aws_iam_policy_document" "no_keys" {
  statement {
    sid    = "DenyGate"
    effect = "Deny"
    actions = [
      "codepipeline:PutApprovalResult", "codepipeline:OverrideStageCondition", "codepipeline:UpdatePipeline",
      "iam:*", "sts:AssumeRole", "rolesanywhere:*", "organizations:*",
    ]
    resources = ["*"]
  }

  statement {
    sid           = "DenyOtherData"
    effect        = "Deny"
    actions       = ["secretsmanager:*", "sqs:*", "s3:*"]
    not_resources = [local.bucket_arns.artifacts, "${local.bucket_arns.artifacts}/*", local.promotion_token_arn]
  }

  statement {
    sid    = "DenyKeyAdministration"
    effect = "Deny"
    actions = [
      "kms:PutKeyPolicy", "kms:CreateGrant", "kms:ReEncrypt*", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:Encrypt",
      "kms:GenerateDataKeyPair*", "kms:GenerateDataKeyWithoutPlaintext", "kms:DeriveSharedSecret",
    ]
    resources = ["*"]
  }

  # Under the data key, S3 and Secrets Manager decrypt for them. Directly they decrypt nothing.
  statement {
    sid       = "DenyDirectDecrypt"
    effect    = "Deny"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    condition {
      test     = "StringNotEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com", "secretsmanager.${local.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "project" {
  for_each = local.projects

  source_policy_documents = [data.aws_iam_policy_document.no_keys.json]

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_prefix}:${local.project_logs[each.key]}:*"]
  }

  statement {
    sid       = "HandOverArtifacts"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    resources = ["${local.bucket_arns.artifacts}/${local.pipeline_prefix}/*"]
  }

  dynamic "statement" {
    for_each = length(each.value.writes) > 0 ? [each.value.writes] : []
    content {
      sid       = "WriteReports"
      actions   = ["s3:PutObject"]
      resources = [for prefix in statement.value : "${local.bucket_arns.artifacts}/${prefix}"]
    }
  }

  dynamic "statement" {
    for_each = contains(["compare", "promote", "rollout"], each.key) ? [true] : []
    content {
      sid       = "ReadReports"
      actions   = ["s3:GetObject"]
      resources = ["${local.bucket_arns.artifacts}/builds/*"]
    }
  }

  dynamic "statement" {
    for_each = contains(["compare", "promote", "rollout"], each.key) ? [true] : []
    content {
      sid       = "FindReports"
      actions   = ["s3:ListBucket"]
      resources = [local.bucket_arns.artifacts]
      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["builds/*"]
      }
    }
  }

  # In the VPC, so that flow logs show what a build talked to, and the cluster's private endpoint is in reach.
  statement {
    sid = "JoinVpc"
    actions = [
      "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
      "ec2:DescribeSecurityGroups", "ec2:DescribeDhcpOptions", "ec2:DescribeVpcs",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "AttachToVpc"
    actions   = ["ec2:CreateNetworkInterfacePermission"]
    resources = ["arn:${local.partition}:ec2:${local.region}:${local.account_id}:network-interface/*"]
    condition {
      test     = "StringEquals"
      variable = "ec2:AuthorizedService"
      values   = ["codebuild.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = contains(["build", "rollout"], each.key) ? [true] : []
    content {
      sid       = "SignInToRegistry"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "build" ? [true] : []
    content {
      sid = "PushImages"
      actions = [
        "ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload",
        "ecr:PutImage", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages",
      ]
      resources = values(local.repository_arns)
    }
  }

  dynamic "statement" {
    for_each = each.key == "compare" ? [true] : []
    content {
      sid       = "ReadScanFindings"
      actions   = ["ecr:DescribeImages", "ecr:DescribeImageScanFindings"]
      resources = values(local.repository_arns)
    }
  }

  dynamic "statement" {
    for_each = each.key == "promote" ? [true] : []
    content {
      sid       = "OpenPullRequests"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [local.promotion_token_arn]
    }
  }

  dynamic "statement" {
    for_each = each.key == "rollout" ? [true] : []
    content {
      sid       = "ReachCluster"
      actions   = ["eks:DescribeCluster"]
      resources = [local.cluster_arn]
    }
  }

  # Its second tag keeps an image that runs from expiring (ecr.tf).
  dynamic "statement" {
    for_each = each.key == "rollout" ? [true] : []
    content {
      sid       = "MarkLiveImages"
      actions   = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"]
      resources = values(local.repository_arns)
    }
  }
}

resource "aws_iam_role" "project" {
  for_each = local.projects

  name               = local.role_names[each.key]
  description        = "Stage ${each.key} of the pipeline of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.pipeline_trust["codebuild"].json
}

resource "aws_iam_role_policy" "project" {
  for_each = local.projects

  name   = each.key
  role   = aws_iam_role.project[each.key].name
  policy = data.aws_iam_policy_document.project[each.key].json
}

# A build clones with history through the connection, and must not push through it. A connection from before the service
# was renamed has the old prefix in its ARN, which the action's has to match.
data "aws_iam_policy_document" "connection" {
  statement {
    sid       = "UseConnection"
    actions   = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
    resources = [local.connection_arn]
  }

  dynamic "statement" {
    for_each = toset(["codeconnections", "codestar-connections"])
    content {
      sid       = "DenyPush${replace(title(statement.value), "-", "")}"
      effect    = "Deny"
      actions   = ["${statement.value}:UseConnection"]
      resources = ["*"]
      condition {
        test     = "StringEquals"
        variable = "${statement.value}:ProviderPermissionsRequired"
        values   = ["read_write"]
      }
    }
  }
}

resource "aws_iam_role_policy" "connection" {
  for_each = merge({ for name, role in aws_iam_role.project : name => role.name }, { pipeline = aws_iam_role.pipeline.name })

  name   = "connection"
  role   = each.value
  policy = data.aws_iam_policy_document.connection.json
}

# --- role of the pipeline itself ---

data "aws_iam_policy_document" "pipeline" {
  statement {
    sid       = "KeepArtifacts"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    resources = ["${local.bucket_arns.artifacts}/${local.pipeline_prefix}/*"]
  }

  statement {
    sid       = "CheckBucket"
    actions   = ["s3:GetBucketVersioning", "s3:GetBucketLocation"]
    resources = [local.bucket_arns.artifacts]
  }

  statement {
    sid       = "RunProjects"
    actions   = ["codebuild:StartBuild", "codebuild:BatchGetBuilds"]
    resources = values(local.project_arns)
  }

  statement {
    sid       = "AskForApproval"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]
  }

  statement {
    sid       = "DenyGate"
    effect    = "Deny"
    actions   = ["codepipeline:PutApprovalResult", "kms:PutKeyPolicy", "kms:CreateGrant", "iam:*", "sts:AssumeRole"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "pipeline" {
  name               = local.role_names.pipeline
  description        = "Pipeline of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.pipeline_trust["codepipeline"].json
}

resource "aws_iam_role_policy" "pipeline" {
  name   = "pipeline"
  role   = aws_iam_role.pipeline.name
  policy = data.aws_iam_policy_document.pipeline.json
}

# --- role of the reviewer: reads one report, says yes or no ---

data "aws_iam_policy_document" "approver_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = var.approver_principal_arns
    }
  }
}

data "aws_iam_policy_document" "approver" {
  statement {
    sid       = "Approve"
    actions   = ["codepipeline:PutApprovalResult"]
    resources = ["${local.pipeline_arn}/${local.approve_stage}/${local.review_action}"]
  }

  statement {
    sid = "ReadPipeline"
    actions = [
      "codepipeline:GetPipeline", "codepipeline:GetPipelineState", "codepipeline:GetPipelineExecution",
      "codepipeline:ListPipelineExecutions", "codepipeline:ListActionExecutions",
    ]
    resources = [local.pipeline_arn]
  }

  statement {
    sid       = "ReadReports"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${local.bucket_arns.artifacts}/builds/*"]
  }

  statement {
    sid       = "FindReports"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arns.artifacts]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["builds/*"]
    }
  }

  statement {
    sid       = "CheckSignature"
    actions   = ["kms:GetPublicKey", "kms:Verify", "kms:DescribeKey"]
    resources = ["*"]
    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "kms:ResourceAliases"
      values   = [local.signing_alias]
    }
  }

  # Decrypt: of reports, by S3, as the data key's policy allows.
  statement {
    sid    = "DenyEverythingElse"
    effect = "Deny"
    not_actions = [
      "codepipeline:PutApprovalResult", "codepipeline:GetPipeline", "codepipeline:GetPipelineState",
      "codepipeline:GetPipelineExecution", "codepipeline:ListPipelineExecutions", "codepipeline:ListActionExecutions",
      "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "kms:GetPublicKey", "kms:Verify", "kms:DescribeKey", "kms:Decrypt",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role" "approver" {
  name                 = local.role_names.approver
  description          = "Approves or rejects an image of ${local.name}, and nothing else"
  assume_role_policy   = data.aws_iam_policy_document.approver_trust.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "approver" {
  name   = "approve"
  role   = aws_iam_role.approver.name
  policy = data.aws_iam_policy_document.approver.json
}
