resource "aws_cloudwatch_log_group" "cluster" {
  name              = "/aws/eks/${local.cluster_name}/cluster"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_eks_cluster" "this" {
  name     = local.cluster_name
  role_arn = aws_iam_role.cluster.arn
  version  = var.cluster_version

  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  bootstrap_self_managed_addons = false

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  vpc_config {
    subnet_ids              = [for zone in sort(keys(local.private_cidrs)) : aws_subnet.private[zone].id]
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = aws_kms_key.eks_secrets.arn
    }
  }

  upgrade_policy {
    support_type = "STANDARD" # extended support is on unless refused, and costs several times as much
  }

  depends_on = [aws_cloudwatch_log_group.cluster, aws_iam_role_policy_attachment.cluster]
}

# --- who administers it ---

resource "aws_eks_access_entry" "admin" {
  for_each = toset(var.cluster_admin_role_arns)

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = toset(var.cluster_admin_role_arns)

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.admin[each.value].principal_arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

# --- addons, in the order in which a node needs them ---

locals {
  # A node is not ready before its network is, and the network gets its permissions from the agent.
  addons_before_nodes = {
    "kube-proxy" = {}
    "vpc-cni" = {
      service_account = "aws-node"
      role_arn        = aws_iam_role.vpc_cni.arn
      configuration   = jsonencode({ enableNetworkPolicy = "true" }) # deploy/ relies on its NetworkPolicy
    }
  }
  addons_after_nodes = {
    "coredns" = {}
    "aws-ebs-csi-driver" = {
      service_account = "ebs-csi-controller-sa"
      role_arn        = aws_iam_role.ebs_csi.arn
    }
  }
}

resource "aws_eks_addon" "pod_identity" {
  cluster_name  = aws_eks_cluster.this.name
  addon_name    = "eks-pod-identity-agent"
  addon_version = lookup(var.addon_versions, "eks-pod-identity-agent", null)
}

resource "aws_eks_addon" "before_nodes" {
  for_each = local.addons_before_nodes

  cluster_name         = aws_eks_cluster.this.name
  addon_name           = each.key
  addon_version        = lookup(var.addon_versions, each.key, null)
  configuration_values = lookup(each.value, "configuration", null)

  dynamic "pod_identity_association" {
    for_each = contains(keys(each.value), "role_arn") ? [each.value] : []
    content {
      service_account = pod_identity_association.value.service_account
      role_arn        = pod_identity_association.value.role_arn
    }
  }

  depends_on = [aws_eks_addon.pod_identity, aws_iam_role_policy_attachment.vpc_cni]
}

resource "aws_eks_addon" "after_nodes" {
  for_each = local.addons_after_nodes

  cluster_name  = aws_eks_cluster.this.name
  addon_name    = each.key
  addon_version = lookup(var.addon_versions, each.key, null)

  dynamic "pod_identity_association" {
    for_each = contains(keys(each.value), "role_arn") ? [each.value] : []
    content {
      service_account = pod_identity_association.value.service_account
      role_arn        = pod_identity_association.value.role_arn
    }
  }

  depends_on = [aws_eks_node_group.general, aws_iam_role_policy_attachment.ebs_csi]
}

resource "aws_eks_pod_identity_association" "bootstrap" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = local.namespace
  service_account = local.service_account
  role_arn        = aws_iam_role.bootstrap.arn

  depends_on = [aws_eks_addon.pod_identity]
}

# --- nodes for everything but the enclave ---

resource "aws_launch_template" "general" {
  name        = "${local.name}-general"
  description = "General nodes of ${local.name}"

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size           = 50
      volume_type           = "gp3"
      encrypted             = true
      kms_key_id            = aws_kms_key.ebs.arn
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${local.name}-general" }
  }
}

resource "aws_eks_node_group" "general" {
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "general"
  node_role_arn   = aws_iam_role.general_node.arn
  subnet_ids      = [for zone in sort(keys(local.private_cidrs)) : aws_subnet.private[zone].id]
  ami_type        = "AL2023_x86_64_STANDARD"
  instance_types  = var.general_instance_types
  version         = var.cluster_version

  launch_template {
    id      = aws_launch_template.general.id
    version = aws_launch_template.general.latest_version
  }

  scaling_config {
    min_size     = 1
    desired_size = var.general_node_count
    max_size     = var.general_node_count + 1
  }

  update_config {
    max_unavailable = 1
  }

  depends_on = [aws_eks_addon.before_nodes, aws_iam_role_policy_attachment.general_node, aws_iam_role_policy.general_node]
}

# --- Nitro nodes ---

locals {
  seccomp_profile = file("${path.module}/../deploy/seccomp/driftseal.json")
  nitro_user_data = templatefile("${path.module}/templates/node_userdata.sh.tpl", {
    enclave_memory_mib = var.enclave_memory_mib
    enclave_cpu_count  = var.enclave_cpu_count
    seccomp_profile    = base64gzip(local.seccomp_profile)
    seccomp_sha256     = sha256(local.seccomp_profile)
  })
}

resource "aws_launch_template" "nitro" {
  name        = "${local.name}-nitro"
  description = "Nitro nodes of ${local.name}"
  # No image_id: EKS picks the AMI of the node group's version, and appends nodeadm's configuration to this.
  user_data = base64encode(local.nitro_user_data)

  enclave_options {
    enabled = true
  }

  # One hop ends at the host's own network: a pod cannot reach the node role's credentials.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size           = 50
      volume_type           = "gp3"
      encrypted             = true
      kms_key_id            = aws_kms_key.ebs.arn
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${local.name}-nitro" }
  }
}

resource "aws_eks_node_group" "nitro" {
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "nitro"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = [for zone in sort(keys(local.private_cidrs)) : aws_subnet.private[zone].id]
  ami_type        = "AL2023_x86_64_STANDARD"
  instance_types  = var.nitro_instance_types
  version         = var.cluster_version

  labels = {
    "aws.amazon.com/nitro-enclaves" = "true"    # where deploy/ puts the DaemonSet
    "aws-nitro-enclaves-k8s-dp"     = "enabled" # where the device plugin runs
  }

  # Any pod on the node could open a vsock to the enclave: nothing else belongs here.
  taint {
    key    = "dedicated"
    value  = "nitro-enclave"
    effect = "NO_SCHEDULE"
  }

  launch_template {
    id      = aws_launch_template.nitro.id
    version = aws_launch_template.nitro.latest_version
  }

  scaling_config {
    min_size     = var.nitro_node_count
    desired_size = var.nitro_node_count
    max_size     = var.nitro_node_count + 1
  }

  update_config {
    max_unavailable = 1
  }

  # A node that restarted has lost what was set aside, and stays out (templates/node_userdata.sh.tpl).
  node_repair_config {
    enabled = true
  }

  depends_on = [aws_eks_addon.before_nodes, aws_iam_role_policy_attachment.node, aws_iam_role_policy.node]
}
