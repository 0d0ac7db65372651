# The cluster, its nodes and what they run at their first boot; the whole module applied.
# AWS is mocked: policies are blanks here, and are looked at in keys and identities.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/mock" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:mock" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:mock" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:mock-AbCdEf" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
  }
}

variables {
  environment             = "production"
  account_id              = "111122223333"
  aws_region              = "eu-west-1"
  availability_zones      = ["eu-west-1a", "eu-west-1b"]
  kms_admin_role_arns     = ["arn:aws:iam::111122223333:role/platform-admin"]
  state_buckets           = [{ name = "terraform-states", keys = ["registry/terraform.tfstate"] }]
  source_repository       = "example/driftseal"
  approver_principal_arns = ["arn:aws:iam::111122223333:role/security-reviewer"]
}

run "applied" {
  command = apply

  variables {
    cluster_admin_role_arns = ["arn:aws:iam::111122223333:role/platform-admin"]
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "the API is private"
  }

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API" && !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "nobody administers the cluster for having made it"
  }

  assert {
    condition     = aws_eks_cluster.this.version == "1.35" && aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD"
    error_message = "the version is in standard support, and moves on when that ends"
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"]) && aws_eks_cluster.this.encryption_config[0].provider[0].key_arn == aws_kms_key.eks_secrets.arn
    error_message = "Secrets are encrypted under their key"
  }

  assert {
    condition     = length(aws_eks_cluster.this.enabled_cluster_log_types) == 5 && aws_cloudwatch_log_group.cluster.kms_key_id == aws_kms_key.data.arn
    error_message = "the control plane logs all there is, encrypted"
  }

  assert {
    condition     = keys(aws_eks_access_policy_association.admin) == ["arn:aws:iam::111122223333:role/platform-admin"]
    error_message = "the named role administers the cluster"
  }

  assert {
    condition     = toset(concat([aws_eks_addon.pod_identity.addon_name], keys(aws_eks_addon.before_nodes), keys(aws_eks_addon.after_nodes))) == toset(["eks-pod-identity-agent", "vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver"])
    error_message = "every addon is there"
  }

  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "network policies are enforced"
  }

  assert {
    condition     = one(aws_eks_addon.before_nodes["vpc-cni"].pod_identity_association).service_account == "aws-node" && one(aws_eks_addon.after_nodes["aws-ebs-csi-driver"].pod_identity_association).service_account == "ebs-csi-controller-sa"
    error_message = "the network plugin and the volume driver have roles of their own"
  }

  assert {
    condition     = aws_launch_template.nitro.enclave_options[0].enabled
    error_message = "Nitro nodes carry enclaves"
  }

  assert {
    condition     = aws_launch_template.nitro.image_id == null || aws_launch_template.nitro.image_id == ""
    error_message = "EKS picks the AMI"
  }

  assert {
    condition     = aws_eks_node_group.nitro.ami_type == "AL2023_x86_64_STANDARD" && aws_eks_node_group.general.ami_type == "AL2023_x86_64_STANDARD"
    error_message = "the AMI is Amazon Linux 2023"
  }

  assert {
    condition     = alltrue([for template in [aws_launch_template.nitro, aws_launch_template.general] : template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "pods cannot reach the node role's credentials"
  }

  assert {
    condition     = alltrue([for template in [aws_launch_template.nitro, aws_launch_template.general] : template.block_device_mappings[0].ebs[0].encrypted == "true" && template.block_device_mappings[0].ebs[0].volume_type == "gp3" && template.block_device_mappings[0].ebs[0].kms_key_id == aws_kms_key.ebs.arn])
    error_message = "volumes are encrypted gp3"
  }

  assert {
    condition     = one(aws_eks_node_group.nitro.taint).key == "dedicated" && one(aws_eks_node_group.nitro.taint).value == "nitro-enclave" && one(aws_eks_node_group.nitro.taint).effect == "NO_SCHEDULE"
    error_message = "nothing but the enclave runs on a Nitro node"
  }

  assert {
    condition     = aws_eks_node_group.nitro.labels["aws-nitro-enclaves-k8s-dp"] == "enabled" && aws_eks_node_group.nitro.labels["aws.amazon.com/nitro-enclaves"] == "true"
    error_message = "the device plugin and the DaemonSet find the node"
  }

  assert {
    condition     = aws_eks_node_group.nitro.update_config[0].max_unavailable == 1 && aws_eks_node_group.nitro.node_repair_config[0].enabled
    error_message = "nodes are replaced one by one, and when they stay out"
  }

  assert {
    condition     = startswith(base64decode(aws_launch_template.nitro.user_data), "MIME-Version: 1.0") && strcontains(base64decode(aws_launch_template.nitro.user_data), "Content-Type: text/x-shellscript")
    error_message = "it is a MIME document with a script, which nodeadm's part is added to"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.nitro.user_data), "readonly MEMORY_MIB=2048") && strcontains(base64decode(aws_launch_template.nitro.user_data), "vm.nr_hugepages=$PAGES")
    error_message = "it sets pages of 2 MiB aside: 2048 MiB are 1024"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.nitro.user_data), "readonly CPUS=2") && strcontains(base64decode(aws_launch_template.nitro.user_data), "/sys/module/nitro_enclaves/parameters/ne_cpus")
    error_message = "it sets whole cores aside"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.nitro.user_data), "hugepages-2048kB/nr_hugepages") && strcontains(base64decode(aws_launch_template.nitro.user_data), "|| refuse")
    error_message = "it looks whether it got them"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.nitro.user_data), "ConditionPathExists") && strcontains(base64decode(aws_launch_template.nitro.user_data), "nodeadm-run.service.d") && strcontains(base64decode(aws_launch_template.nitro.user_data), "shutdown -h now")
    error_message = "it joins only when all is there"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.nitro.user_data), base64gzip(file("../deploy/seccomp/driftseal.json"))) && strcontains(base64decode(aws_launch_template.nitro.user_data), filesha256("../deploy/seccomp/driftseal.json")) && strcontains(base64decode(aws_launch_template.nitro.user_data), "/var/lib/kubelet/seccomp/driftseal.json")
    error_message = "it brings the seccomp profile of deploy/, checked"
  }

  assert {
    condition     = !can(regex("yum |dnf |amazon-linux-extras|bootstrap.sh", base64decode(aws_launch_template.nitro.user_data)))
    error_message = "it installs nothing, and nothing of Amazon Linux 2"
  }

  assert {
    condition     = can(regex("^[\\x09\\x0a\\x20-\\x7e]+$", base64decode(aws_launch_template.nitro.user_data))) && length(base64decode(aws_launch_template.nitro.user_data)) < 16384
    error_message = "it is ASCII, and within EC2's 16 KB"
  }
}

run "as_configured" {
  command = plan

  variables {
    public_access_cidrs  = ["203.0.113.0/24"]
    enclave_memory_mib   = 4096
    enclave_cpu_count    = 4
    nitro_instance_types = ["c6i.2xlarge"]
    addon_versions       = { "coredns" = "v1.13.1-eksbuild.1" }
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.0/24"])
    error_message = "a public endpoint is for the named ranges"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.nitro.user_data), "readonly MEMORY_MIB=4096") && strcontains(base64decode(aws_launch_template.nitro.user_data), "readonly CPUS=4")
    error_message = "the enclave gets what it was given"
  }

  assert {
    condition     = aws_eks_addon.after_nodes["coredns"].addon_version == "v1.13.1-eksbuild.1"
    error_message = "addons are pinned where they are named"
  }
}
