# Roles of the cluster, its nodes and its addons. The enclave's are in identity.tf, the pipeline's in pipeline.tf, the
# rotation's in rotation.tf.

data "aws_iam_policy_document" "service_trust" {
  for_each = { eks = "eks.amazonaws.com", ec2 = "ec2.amazonaws.com" }

  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = [each.value]
    }
  }
}

data "aws_iam_policy_document" "addon_trust" {
  for_each = { vpc_cni = "aws-node", ebs_csi = "ebs-csi-controller-sa" }

  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.cluster_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = [each.value]
    }
  }
}

# --- cluster ---

resource "aws_iam_role" "cluster" {
  name               = local.role_names.cluster
  description        = "EKS control plane of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.service_trust["eks"].json
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

# --- nodes: join the cluster and pull images, and nothing that DriftSeal protects ---

locals {
  node_policies = ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"]
}

# Said as a Deny, so that a policy which somebody attaches later (for an agent, for debugging) opens no data.
data "aws_iam_policy_document" "node" {
  statement {
    sid    = "DenyData"
    effect = "Deny"
    actions = [
      "kms:*", "s3:*", "secretsmanager:*", "sqs:*",
      "ssm:GetParameter*", "rolesanywhere:*", "sts:AssumeRole", "cloudwatch:PutMetricData",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role" "node" {
  name               = local.role_names.node
  description        = "Nitro nodes of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.service_trust["ec2"].json
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(local.node_policies)

  role       = aws_iam_role.node.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.value}"
}

resource "aws_iam_role_policy" "node" {
  name   = "no-data"
  role   = aws_iam_role.node.name
  policy = data.aws_iam_policy_document.node.json
}

resource "aws_iam_role" "general_node" {
  name               = local.role_names.general_node
  description        = "General nodes of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.service_trust["ec2"].json
}

resource "aws_iam_role_policy_attachment" "general_node" {
  for_each = toset(local.node_policies)

  role       = aws_iam_role.general_node.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.value}"
}

resource "aws_iam_role_policy" "general_node" {
  name   = "no-data"
  role   = aws_iam_role.general_node.name
  policy = data.aws_iam_policy_document.node.json
}

# --- addons, by Pod Identity ---

resource "aws_iam_role" "vpc_cni" {
  name               = local.role_names.vpc_cni
  description        = "vpc-cni of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.addon_trust["vpc_cni"].json
}

resource "aws_iam_role_policy_attachment" "vpc_cni" {
  role       = aws_iam_role.vpc_cni.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonEKS_CNI_Policy"
}

resource "aws_iam_role" "ebs_csi" {
  name               = local.role_names.ebs_csi
  description        = "aws-ebs-csi-driver of ${local.name}"
  assume_role_policy = data.aws_iam_policy_document.addon_trust["ebs_csi"].json
}

# What it may do with the key of the volumes is in that key's policy.
resource "aws_iam_role_policy_attachment" "ebs_csi" {
  role       = aws_iam_role.ebs_csi.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
}
