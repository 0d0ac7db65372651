locals {
  # A zone's place follows from its letter, so that a zone more or less, or another order, moves no subnet.
  zone_slots = { for zone in var.availability_zones : zone => index(["a", "b", "c", "d", "e", "f", "g", "h"], substr(zone, -1, 1)) }
  # The lower half of the range is public, the upper private; sixteenths of it, /20 of a /16.
  public_cidrs  = { for zone, slot in local.zone_slots : zone => cidrsubnet(var.vpc_cidr, 4, slot) }
  private_cidrs = { for zone, slot in local.zone_slots : zone => cidrsubnet(var.vpc_cidr, 4, 8 + slot) }

  # One gateway each zone, or one in the first zone by name, or none.
  nat_zones = {
    none   = []
    single = [sort(var.availability_zones)[0]]
    per_az = var.availability_zones
  }[var.nat_mode]
  has_nat = var.nat_mode != "none"
}

data "aws_region" "current" {}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # private DNS of the endpoints needs both

  tags = { Name = local.name }

  lifecycle {
    precondition {
      condition     = data.aws_region.current.id == var.aws_region
      error_message = "aws_region is not the provider's region: every ARN in the policies would name nothing."
    }
  }
}

# Whatever is started without a security group of its own can talk to nobody.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "private" {
  for_each = local.private_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = {
    Name                                          = "${local.name}-private-${each.key}"
    "kubernetes.io/cluster/${local.cluster_name}" = "shared"
    "kubernetes.io/role/internal-elb"             = "1"
  }
}

resource "aws_route_table" "private" {
  for_each = local.private_cidrs

  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.name}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = local.private_cidrs

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

# --- the way out, which carries alerts to webhooks and builds to their sources ---

resource "aws_subnet" "public" {
  for_each = local.has_nat ? local.public_cidrs : {}

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = {
    Name                                          = "${local.name}-public-${each.key}"
    "kubernetes.io/cluster/${local.cluster_name}" = "shared"
    "kubernetes.io/role/elb"                      = "1"
  }
}

resource "aws_internet_gateway" "this" {
  count = local.has_nat ? 1 : 0

  vpc_id = aws_vpc.this.id

  tags = { Name = local.name }
}

resource "aws_route_table" "public" {
  count = local.has_nat ? 1 : 0

  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.name}-public" }
}

resource "aws_route" "public" {
  count = local.has_nat ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = { Name = "${local.name}-nat-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.nat_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_route" "nat" {
  for_each = local.has_nat ? local.private_cidrs : {}

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  # Its own zone's gateway, or the only one.
  nat_gateway_id = aws_nat_gateway.this[contains(local.nat_zones, each.key) ? each.key : local.nat_zones[0]].id
}

# --- flow logs ---

resource "aws_cloudwatch_log_group" "flow_logs" {
  name              = "/${local.name}/vpc-flow-logs"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_flow_log" "this" {
  vpc_id          = aws_vpc.this.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flow_logs.arn
  iam_role_arn    = aws_iam_role.flow_logs.arn

  tags = { Name = local.name }
}

data "aws_iam_policy_document" "flow_logs_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

data "aws_iam_policy_document" "flow_logs" {
  statement {
    sid       = "WriteFlowLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    resources = ["${local.log_group_prefix}:/${local.name}/vpc-flow-logs:*"]
  }
}

resource "aws_iam_role" "flow_logs" {
  name               = local.role_names.flow_logs
  description        = "VPC flow logs of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.flow_logs_trust.json
}

resource "aws_iam_role_policy" "flow_logs" {
  name   = "flow-logs"
  role   = aws_iam_role.flow_logs.name
  policy = data.aws_iam_policy_document.flow_logs.json
}
