# The least that DriftSeal needs: the account, one state, and who may change key policies.

module "driftseal" {
  source = "../.."

  environment        = "production"
  account_id         = "111122223333"
  aws_region         = "eu-west-1"
  availability_zones = ["eu-west-1a", "eu-west-1b"]

  kms_admin_role_arns     = ["arn:aws:iam::111122223333:role/platform-admin"]
  cluster_admin_role_arns = ["arn:aws:iam::111122223333:role/platform-admin"]

  state_buckets = [{ name = "terraform-states", keys = ["registry/terraform.tfstate"] }]

  enclave_pcr0_allow_list  = var.enclave_pcr0_allow_list
  enclave_trust_anchor_pem = var.enclave_trust_anchor_pem

  source_repository       = "example/driftseal"
  approver_principal_arns = ["arn:aws:iam::111122223333:role/security-reviewer"]
}
