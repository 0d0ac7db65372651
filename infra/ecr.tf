# Images. What runs is named by digest (deploy/), so a tag is only for people and for the lifecycle below.

locals {
  # ECR cannot see what runs. So the roll-out puts a second tag on what it starts, live-<commit>, and the first rule takes
  # every image with one: of a rule's images none can be expired by a later rule, and a thousand roll-outs are never
  # reached. Pushed classes are release-<version> and dev-<commit>.
  image_lifecycle = {
    rules = concat(
      [for priority, class in [
        { prefix = "live-", keep = 1000 },
        { prefix = "release-", keep = 10 },
        { prefix = "dev-", keep = 5 },
        ] : {
        rulePriority = priority + 1
        description  = "${class.prefix}: keep ${class.keep}"
        selection = {
          tagStatus     = "tagged"
          tagPrefixList = [class.prefix]
          countType     = "imageCountMoreThan"
          countNumber   = class.keep
        }
        action = { type = "expire" }
      }],
      [{
        rulePriority = 4
        description  = "untagged: one day"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 1 }
        action       = { type = "expire" }
      }],
    )
  }
}

resource "aws_ecr_repository" "this" {
  for_each = local.repository_names

  name                 = each.value
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.data.arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = jsonencode(local.image_lifecycle)
}

# One account's permissions add up: these Denies hold whatever else somebody was given. Lifecycle rules are not a caller.
data "aws_iam_policy_document" "repository" {
  for_each = local.repository_names

  statement {
    sid     = "DenyPushByOthers"
    effect  = "Deny"
    actions = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = contains(local.built_images, each.key) ? [local.role_arns.build] : var.kms_admin_role_arns
    }
  }

  # The roll-out puts a tag on an image that is there already.
  statement {
    sid     = "DenyTagsByOthers"
    effect  = "Deny"
    actions = ["ecr:PutImage"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = contains(local.built_images, each.key) ? [local.role_arns.build, local.role_arns.rollout] : var.kms_admin_role_arns
    }
  }

  statement {
    sid    = "DenyRemovalByOthers"
    effect = "Deny"
    actions = [
      "ecr:BatchDeleteImage", "ecr:DeleteRepository", "ecr:PutImageTagMutability",
      "ecr:PutLifecyclePolicy", "ecr:DeleteLifecyclePolicy", "ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy",
    ]
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

resource "aws_ecr_repository_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = data.aws_iam_policy_document.repository[each.key].json
}

# One for the whole account and region, so null leaves it to whoever owns it; images are then scanned on push alone.
resource "aws_ecr_registry_scanning_configuration" "this" {
  count = var.registry_scan_type == null ? 0 : 1

  scan_type = var.registry_scan_type

  rule {
    scan_frequency = var.registry_scan_type == "ENHANCED" ? "CONTINUOUS_SCAN" : "SCAN_ON_PUSH"
    repository_filter {
      filter      = "${local.name}/*"
      filter_type = "WILDCARD"
    }
  }
}
