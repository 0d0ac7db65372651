# Every setting of the keys, the network, the cluster and the roles, each with a value that differs from its default.

module "driftseal" {
  source = "../.."

  name        = "driftseal"
  environment = "production"
  account_id  = "111122223333"
  aws_region  = "eu-west-1"

  # --- network ---
  vpc_cidr           = "10.20.0.0/16"
  availability_zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  nat_mode           = "single"
  log_retention_days = 400

  # --- keys and who may use them ---
  kms_admin_role_arns             = ["arn:aws:iam::111122223333:role/platform-admin", "arn:aws:iam::111122223333:role/security-admin"]
  webhook_key_role_arns           = ["arn:aws:iam::111122223333:role/alerting-admin"]
  create_autoscaling_service_role = true

  enclave_pcr0_allow_list  = var.enclave_pcr0_allow_list
  enclave_pcr3             = var.enclave_pcr3
  enclave_pcr8             = var.enclave_pcr8
  enclave_trust_anchor_pem = var.enclave_trust_anchor_pem

  # --- what it watches ---
  state_buckets = [
    {
      name        = "terraform-states"
      keys        = ["registry/terraform.tfstate", "network/*"]
      kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/0b8f2d6e-5c1a-4f3b-9e7d-6a4c2b1d0e9f"
    },
    { name = "shop-terraform-states", keys = ["*/terraform.tfstate"] },
  ]

  # --- cluster ---
  cluster_version         = "1.36"
  public_access_cidrs     = ["203.0.113.0/24"]
  cluster_admin_role_arns = ["arn:aws:iam::111122223333:role/platform-admin"]
  addon_versions          = { "vpc-cni" = "v1.21.1-eksbuild.1" }
  general_instance_types  = ["m6i.xlarge"]
  general_node_count      = 3
  nitro_instance_types    = ["c6i.2xlarge", "c6a.2xlarge"]
  nitro_node_count        = 1
  enclave_cpu_count       = 4
  enclave_memory_mib      = 4096

  # --- images and storage ---
  registry_scan_type    = "BASIC"
  ledger_retention_days = 730
  ledger_lock_mode      = "GOVERNANCE"
  managed_state_buckets = ["shop-terraform-states"]

  # --- events of other accounts ---
  member_account_ids = ["444455556666"]
  organization_id    = "o-a1b2c3d4e5"
  create_trail       = false

  # --- rotation ---
  rotation_package      = var.rotation_package
  rotation_architecture = "x86_64"
  dek_rotation_schedule = "cron(0 4 1 * ? *)"

  # --- pipeline ---
  source_repository       = "example/driftseal"
  source_branch           = "release"
  source_provider         = "GitLab"
  connection_arn          = "arn:aws:codeconnections:eu-west-1:111122223333:connection/3f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
  build_image             = "public.ecr.aws/codebuild/amazonlinux-x86_64-standard@sha256:5f0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b"
  tfvars_path             = "live/production/release.auto.tfvars.json"
  approver_principal_arns = ["arn:aws:iam::111122223333:role/security-reviewer", "arn:aws:iam::111122223333:role/security-lead"]

  # --- monitoring ---
  alarm_emails            = ["on-call@example.com"]
  latency_p95_ms          = 1200
  latency_p99_ms          = 2500
  oldest_event_secs       = 3600
  monthly_cost_limits_usd = { "Amazon Elastic Compute Cloud - Compute" = 900 }
}
