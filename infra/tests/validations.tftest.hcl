# Every input that must be refused.
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

run "name_too_long" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "a-name-of-seventeen"
  }
}

run "name_upper_case" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "DriftSeal"
  }
}

run "environment_with_spaces" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = "production "
  }
}

run "environment_too_long" {
  command         = plan
  expect_failures = [var.environment]

  variables {
    environment = "an-environment-of-more-than-20"
  }
}

run "account_not_twelve_digits" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "11112222333"
  }
}

run "region_malformed" {
  command         = plan
  expect_failures = [var.aws_region]

  variables {
    aws_region = "europe"
  }
}

run "region_with_other_host_names" {
  command         = plan
  expect_failures = [var.aws_region]

  variables {
    aws_region = "cn-north-1"
  }
}

run "vpc_too_small" {
  command         = plan
  expect_failures = [var.vpc_cidr]

  variables {
    vpc_cidr = "10.0.0.0/24"
  }
}

run "vpc_no_range" {
  command         = plan
  expect_failures = [var.vpc_cidr]

  variables {
    vpc_cidr = "10.0.0.0"
  }
}

run "one_zone" {
  command         = plan
  expect_failures = [var.availability_zones]

  variables {
    availability_zones = ["eu-west-1a"]
  }
}

run "a_zone_twice" {
  command         = plan
  expect_failures = [var.availability_zones]

  variables {
    availability_zones = ["eu-west-1a", "eu-west-1a"]
  }
}

run "a_zone_of_another_region" {
  command         = plan
  expect_failures = [var.availability_zones]

  variables {
    availability_zones = ["eu-west-1a", "us-east-1a"]
  }
}

run "nat_mode_unknown" {
  command         = plan
  expect_failures = [var.nat_mode]

  variables {
    nat_mode = "auto"
  }
}

run "logs_for_a_month" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 30
  }
}

run "no_key_administrator" {
  command         = plan
  expect_failures = [var.kms_admin_role_arns]

  variables {
    kms_admin_role_arns = []
  }
}

run "too_many_key_administrators" {
  command         = plan
  expect_failures = [var.kms_admin_role_arns]

  variables {
    kms_admin_role_arns = [for n in range(4) : "arn:aws:iam::111122223333:role/admin-${n}"]
  }
}

run "key_administrator_by_wildcard" {
  command         = plan
  expect_failures = [var.kms_admin_role_arns]

  variables {
    kms_admin_role_arns = ["arn:aws:iam::111122223333:role/*"]
  }
}

run "key_administrator_of_another_account" {
  command         = plan
  expect_failures = [var.kms_admin_role_arns]

  variables {
    kms_admin_role_arns = ["arn:aws:iam::444455556666:role/platform-admin"]
  }
}

run "key_administrator_root" {
  command         = plan
  expect_failures = [var.kms_admin_role_arns]

  variables {
    kms_admin_role_arns = ["arn:aws:iam::111122223333:root"]
  }
}

run "pcr0_no_hex" {
  command         = plan
  expect_failures = [var.enclave_pcr0_allow_list]

  variables {
    enclave_pcr0_allow_list = ["zz"]
  }
}

run "pcr0_upper_case" {
  command         = plan
  expect_failures = [var.enclave_pcr0_allow_list]

  variables {
    enclave_pcr0_allow_list = [join("", [for _ in range(96) : "A"])]
  }
}

run "pcr0_too_short" {
  command         = plan
  expect_failures = [var.enclave_pcr0_allow_list]

  variables {
    enclave_pcr0_allow_list = [join("", [for _ in range(95) : "a"])]
  }
}

run "pcr0_zero" {
  command         = plan
  expect_failures = [var.enclave_pcr0_allow_list]

  variables {
    enclave_pcr0_allow_list = [join("", [for _ in range(96) : "0"])]
  }
}

run "pcr0_twice" {
  command         = plan
  expect_failures = [var.enclave_pcr0_allow_list]

  variables {
    enclave_pcr0_allow_list = [for _ in range(2) : join("", [for _ in range(96) : "a"])]
  }
}

run "pcr0_four" {
  command         = plan
  expect_failures = [var.enclave_pcr0_allow_list]

  variables {
    enclave_pcr0_allow_list = [for c in ["a", "b", "c", "d"] : join("", [for _ in range(96) : c])]
  }
}

run "pcr3_malformed" {
  command         = plan
  expect_failures = [var.enclave_pcr3]

  variables {
    enclave_pcr3 = "abc"
  }
}

run "pcr3_zero" {
  command         = plan
  expect_failures = [var.enclave_pcr3]

  variables {
    enclave_pcr3 = join("", [for _ in range(96) : "0"])
  }
}

run "pcr8_malformed" {
  command         = plan
  expect_failures = [var.enclave_pcr8]

  variables {
    enclave_pcr8 = "abc"
  }
}

run "pcr8_zero" {
  command         = plan
  expect_failures = [var.enclave_pcr8]

  variables {
    enclave_pcr8 = join("", [for _ in range(96) : "0"])
  }
}

run "webhook_role_by_wildcard" {
  command         = plan
  expect_failures = [var.webhook_key_role_arns]

  variables {
    webhook_key_role_arns = ["*"]
  }
}

run "trust_anchor_no_pem" {
  command         = plan
  expect_failures = [var.enclave_trust_anchor_pem]

  variables {
    enclave_trust_anchor_pem = "MIIB"
  }
}

run "trust_anchor_private_key" {
  command         = plan
  expect_failures = [var.enclave_trust_anchor_pem]

  variables {
    enclave_trust_anchor_pem = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
  }
}

run "trust_anchor_two_certificates" {
  command         = plan
  expect_failures = [var.enclave_trust_anchor_pem]

  variables {
    enclave_trust_anchor_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
  }
}

run "trust_anchor_the_stand_in" {
  command         = plan
  expect_failures = [var.enclave_trust_anchor_pem]

  variables {
    enclave_trust_anchor_pem = file("templates/closed_anchor.pem")
  }
}

run "no_state_bucket" {
  command         = plan
  expect_failures = [var.state_buckets]

  variables {
    state_buckets = []
  }
}

run "state_bucket_name" {
  command         = plan
  expect_failures = [var.state_buckets]

  variables {
    state_buckets = [{ name = "Terraform_States", keys = ["a"] }]
  }
}

run "state_bucket_whole" {
  command         = plan
  expect_failures = [var.state_buckets]

  variables {
    state_buckets = [{ name = "terraform-states", keys = ["*"] }]
  }
}

run "state_bucket_twice" {
  command         = plan
  expect_failures = [var.state_buckets]

  variables {
    state_buckets = [{ name = "terraform-states", keys = ["a"] }, { name = "terraform-states", keys = ["b"] }]
  }
}

run "state_bucket_key_alias" {
  command         = plan
  expect_failures = [var.state_buckets]

  variables {
    state_buckets = [{ name = "terraform-states", keys = ["a"], kms_key_arn = "alias/states" }]
  }
}

run "cluster_out_of_support" {
  command         = plan
  expect_failures = [var.cluster_version]

  variables {
    cluster_version = "1.33"
  }
}

run "endpoint_open_to_all" {
  command         = plan
  expect_failures = [var.public_access_cidrs]

  variables {
    public_access_cidrs = ["0.0.0.0/0"]
  }
}

run "endpoint_open_to_all_ipv6" {
  command         = plan
  expect_failures = [var.public_access_cidrs]

  variables {
    public_access_cidrs = ["::/0"]
  }
}

run "cluster_administrator_by_wildcard" {
  command         = plan
  expect_failures = [var.cluster_admin_role_arns]

  variables {
    cluster_admin_role_arns = ["arn:aws:iam::111122223333:role/*"]
  }
}

run "addon_unknown" {
  command         = plan
  expect_failures = [var.addon_versions]

  variables {
    addon_versions = { "vpc-cmi" = "v1" }
  }
}

run "no_general_type" {
  command         = plan
  expect_failures = [var.general_instance_types]

  variables {
    general_instance_types = []
  }
}

run "no_general_node" {
  command         = plan
  expect_failures = [var.general_node_count]

  variables {
    general_node_count = 0
  }
}

run "nitro_type_burstable" {
  command         = plan
  expect_failures = [var.nitro_instance_types]

  variables {
    nitro_instance_types = ["t3.xlarge"]
  }
}

run "nitro_type_too_small" {
  command         = plan
  expect_failures = [var.nitro_instance_types]

  variables {
    nitro_instance_types = ["c6i.large"]
  }
}

run "nitro_type_metal" {
  command         = plan
  expect_failures = [var.nitro_instance_types]

  variables {
    nitro_instance_types = ["c6i.metal"]
  }
}

run "nitro_type_graviton" {
  command         = plan
  expect_failures = [var.nitro_instance_types]

  variables {
    nitro_instance_types = ["c7g.xlarge"]
  }
}

run "no_nitro_node" {
  command         = plan
  expect_failures = [var.nitro_node_count]

  variables {
    nitro_node_count = 2
  }
}

run "half_a_core" {
  command         = plan
  expect_failures = [var.enclave_cpu_count]

  variables {
    enclave_cpu_count = 3
  }
}

run "no_core" {
  command         = plan
  expect_failures = [var.enclave_cpu_count]

  variables {
    enclave_cpu_count = 0
  }
}

run "odd_memory" {
  command         = plan
  expect_failures = [var.enclave_memory_mib]

  variables {
    enclave_memory_mib = 1025
  }
}

run "too_little_memory" {
  command         = plan
  expect_failures = [var.enclave_memory_mib]

  variables {
    enclave_memory_mib = 128
  }
}
