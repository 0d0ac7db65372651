# AWS by private addresses. An endpoint's policy is what keeps stolen foreign credentials from using it: a host that wants
# to carry data out could otherwise sign in to an account of its own through the same endpoint.

locals {
  # What the principals of this account may name through each endpoint.
  endpoint_resources = {
    "kms" = concat(
      ["arn:${local.partition}:kms:${local.region}:${local.account_id}:key/*", "arn:${local.partition}:kms:${local.region}:${local.account_id}:alias/*"],
      local.state_kms_key_arns,
    )
    "secretsmanager" = ["${local.secret_prefix}:${local.name}/*"]
    "sqs"            = values(local.queue_arns)
    "sts"            = ["*"]
    "ecr.api"        = ["*"] # also AWS's own accounts, which EKS's addons come from
    "ecr.dkr"        = ["*"]
    "logs"           = ["*"]
    "monitoring"     = ["*"]
    "ec2"            = ["*"]
    "eks"            = ["*"]
    "eks-auth"       = ["*"] # Pod Identity
  }
  s3_own_buckets = concat(values(local.bucket_arns), local.state_bucket_arns)
}

data "aws_iam_policy_document" "endpoint" {
  for_each = local.endpoint_resources

  statement {
    sid       = "OwnAccountOnly"
    actions   = ["*"]
    resources = each.value
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account_id]
    }
  }
}

# CreateSession is signed with a certificate, not with credentials: there is no account to demand.
data "aws_iam_policy_document" "rolesanywhere_endpoint" {
  statement {
    sid       = "SessionsOnly"
    actions   = ["rolesanywhere:CreateSession"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "s3_endpoint" {
  statement {
    sid       = "OwnBuckets"
    actions   = ["s3:GetObject*", "s3:PutObject*", "s3:ListBucket*", "s3:GetBucket*", "s3:AbortMultipartUpload"]
    resources = concat(local.s3_own_buckets, [for arn in local.s3_own_buckets : "${arn}/*"])
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account_id]
    }
  }

  # Layers of images come by URLs that ECR signs; packages of Amazon Linux are public.
  statement {
    sid     = "ImagesAndPackages"
    actions = ["s3:GetObject"]
    resources = [
      "arn:${local.partition}:s3:::prod-${local.region}-starport-layer-bucket/*",
      "arn:${local.partition}:s3:::al2023-repos-${local.region}-de612dc2/*",
    ]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

resource "aws_security_group" "endpoints" {
  name        = "${local.name}-endpoints"
  description = "TLS from the VPC to AWS endpoints"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id = aws_security_group.endpoints.id
  description       = "TLS from the VPC"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each = merge(
    { for service, document in data.aws_iam_policy_document.endpoint : service => document.json },
    { "rolesanywhere" = data.aws_iam_policy_document.rolesanywhere_endpoint.json },
  )

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for zone in sort(keys(local.private_cidrs)) : aws_subnet.private[zone].id]
  security_group_ids  = [aws_security_group.endpoints.id]
  policy              = each.value

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for zone in sort(keys(local.private_cidrs)) : aws_route_table.private[zone].id]
  policy            = data.aws_iam_policy_document.s3_endpoint.json

  tags = { Name = "${local.name}-s3" }
}
