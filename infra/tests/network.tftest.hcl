# Subnets, the way out, endpoints and flow logs.
# The real provider renders the policies; nothing leaves the machine.

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "not-used"
  secret_key                  = "not-used"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
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

run "two_zones" {
  command = plan

  assert {
    condition     = aws_subnet.public["eu-west-1b"].cidr_block == "10.0.16.0/20" && aws_subnet.private["eu-west-1b"].cidr_block == "10.0.144.0/20"
    error_message = "a zone's addresses follow from its letter"
  }

  assert {
    condition     = toset(keys(aws_nat_gateway.this)) == toset(["eu-west-1a", "eu-west-1b"])
    error_message = "one gateway a zone"
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "nothing gets a public address by itself"
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.private : subnet.tags["kubernetes.io/role/internal-elb"] == "1" && subnet.tags["kubernetes.io/cluster/driftseal-production"] == "shared"]) && alltrue([for subnet in aws_subnet.public : subnet.tags["kubernetes.io/role/elb"] == "1"])
    error_message = "load balancers find their subnets"
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow_logs.retention_in_days == 365
    error_message = "all traffic is logged, for a year"
  }

  assert {
    condition     = length(setsubtract(["kms", "secretsmanager", "sqs", "sts", "ecr.api", "ecr.dkr", "logs", "monitoring", "ec2", "eks", "eks-auth", "rolesanywhere"], keys(aws_vpc_endpoint.interface))) == 0
    error_message = "AWS is reached by private addresses"
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled])
    error_message = "each endpoint answers to the usual name"
  }

  assert {
    condition     = alltrue([for service, endpoint in aws_vpc_endpoint.interface : jsondecode(endpoint.policy).Statement[0].Condition.StringEquals["aws:PrincipalAccount"] == "111122223333" if service != "rolesanywhere"])
    error_message = "foreign credentials use no endpoint"
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.interface["secretsmanager"].policy).Statement[0].Resource == "arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/*"
    error_message = "the secrets' endpoint knows our secrets alone"
  }

  assert {
    condition     = alltrue([for arn in jsondecode(aws_vpc_endpoint.interface["sqs"].policy).Statement[0].Resource : startswith(arn, "arn:aws:sqs:eu-west-1:111122223333:driftseal-production-")])
    error_message = "the queues' endpoint knows our queues alone"
  }

  assert {
    condition     = alltrue([for arn in jsondecode(aws_vpc_endpoint.interface["kms"].policy).Statement[0].Resource : startswith(arn, "arn:aws:kms:eu-west-1:111122223333:")])
    error_message = "the keys' endpoint knows this account's keys alone"
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.interface["rolesanywhere"].policy).Statement[0].Action == "rolesanywhere:CreateSession"
    error_message = "the sessions' endpoint knows sessions alone"
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && one([for s in jsondecode(aws_vpc_endpoint.s3.policy).Statement : s if s.Sid == "ImagesAndPackages"]).Action == "s3:GetObject" && contains(one([for s in jsondecode(aws_vpc_endpoint.s3.policy).Statement : s if s.Sid == "OwnBuckets"]).Resource, "arn:aws:s3:::terraform-states/*") && !strcontains(aws_vpc_endpoint.s3.policy, "s3:Delete")
    error_message = "S3 is our buckets, and images and packages to read"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.from_port == 443 && aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == "10.0.0.0/16"
    error_message = "endpoints take TLS from the VPC"
  }
}

run "another_order_and_a_third_zone" {
  command = plan

  variables {
    availability_zones = ["eu-west-1c", "eu-west-1b", "eu-west-1a"]
  }

  assert {
    condition     = aws_subnet.private["eu-west-1a"].cidr_block == "10.0.128.0/20" && aws_subnet.private["eu-west-1b"].cidr_block == "10.0.144.0/20" && aws_subnet.private["eu-west-1c"].cidr_block == "10.0.160.0/20"
    error_message = "no subnet moves"
  }
}

run "a_single_gateway" {
  command = plan

  variables {
    nat_mode = "single"
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-west-1a"] && length(aws_route.nat) == 2
    error_message = "there is one, and every zone has its way to it"
  }
}

run "no_way_out" {
  command = plan

  variables {
    nat_mode = "none"
  }

  assert {
    condition     = length(aws_nat_gateway.this) + length(aws_internet_gateway.this) + length(aws_subnet.public) + length(aws_route.nat) + length(aws_route.public) + length(aws_eip.nat) == 0
    error_message = "no gateway, no public subnet, no route to the internet"
  }
}

run "another_region_than_the_providers" {
  command = plan

  variables {
    aws_region         = "eu-central-1"
    availability_zones = ["eu-central-1a", "eu-central-1b"]
  }

  expect_failures = [aws_vpc.this]
}
