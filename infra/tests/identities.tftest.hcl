# What each role reaches, and who can become it.
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

override_resource {
  target          = aws_rolesanywhere_trust_anchor.enclave
  override_during = plan
  values          = { arn = "arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/8b1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2" }
}

run "bootstrap" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.bootstrap.assume_role_policy).Statement[0].Principal.Service == "pods.eks.amazonaws.com" && jsondecode(aws_iam_role.bootstrap.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:eks:eu-west-1:111122223333:cluster/driftseal-production" && jsondecode(aws_iam_role.bootstrap.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "111122223333"
    error_message = "it is for pods of this cluster"
  }

  assert {
    condition     = jsondecode(aws_iam_role.bootstrap.assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/kubernetes-namespace"] == "driftseal" && jsondecode(aws_iam_role.bootstrap.assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/kubernetes-service-account"] == "driftseal"
    error_message = "it is for one service account"
  }

  assert {
    condition     = jsonencode([for s in jsondecode(aws_iam_role_policy.bootstrap.policy).Statement : s.Action if s.Effect == "Allow"]) == jsonencode(["secretsmanager:GetSecretValue"])
    error_message = "it may fetch wrapped keys and nothing else"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_iam_role_policy.bootstrap.policy).Statement : s if s.Sid == "ReadWrappedKeys"]).Resource) == toset(["arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/dek-??????", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/identity-??????", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/webhook/*"])
    error_message = "the wrapped keys are those of this environment"
  }

  assert {
    condition     = jsonencode(one([for s in jsondecode(aws_iam_role_policy.bootstrap.policy).Statement : s if s.Sid == "DenyEverythingElse"])) == jsonencode({ Sid = "DenyEverythingElse", Effect = "Deny", NotAction = ["secretsmanager:GetSecretValue", "kms:Decrypt"], Resource = "*" })
    error_message = "whatever is attached to it later stays closed"
  }

  assert {
    condition     = aws_eks_pod_identity_association.bootstrap.namespace == "driftseal" && aws_eks_pod_identity_association.bootstrap.service_account == "driftseal"
    error_message = "Pod Identity hands it to that service account"
  }
}

run "enclave_before_its_ca_is_known" {
  command = plan

  assert {
    condition     = !aws_rolesanywhere_trust_anchor.enclave.enabled && !aws_rolesanywhere_profile.enclave.enabled
    error_message = "the anchor is there, disabled"
  }

  assert {
    condition     = aws_rolesanywhere_trust_anchor.enclave.source[0].source_data[0].x509_certificate_data == file("templates/closed_anchor.pem")
    error_message = "it holds the certificate that stands in for none"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_iam_role.enclave.assume_role_policy).Statement[0].Condition.StringEquals["aws:PrincipalTag/x509Subject/CN"]) == jsonencode(["closed"])
    error_message = "no certificate's name fits"
  }
}

run "enclave_with_its_ca" {
  command = plan

  variables {
    enclave_pcr0_allow_list  = [join("", [for _ in range(96) : "a"])]
    enclave_trust_anchor_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    state_buckets            = [{ name = "terraform-states", keys = ["registry/terraform.tfstate"], kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/1" }]
  }

  assert {
    condition     = aws_rolesanywhere_trust_anchor.enclave.enabled && aws_rolesanywhere_profile.enclave.enabled
    error_message = "anchor and profile are enabled"
  }

  assert {
    condition     = jsondecode(aws_iam_role.enclave.assume_role_policy).Statement[0].Principal.Service == "rolesanywhere.amazonaws.com" && jsondecode(aws_iam_role.enclave.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/8b1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
    error_message = "it is given by this trust anchor"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_iam_role.enclave.assume_role_policy).Statement[0].Condition.StringEquals["aws:PrincipalTag/x509Subject/CN"]) == jsonencode(["production.aaaaaaaaaaaaaaaa"]) && jsondecode(aws_iam_role.enclave.assume_role_policy).Statement[0].Condition.StringEquals["aws:PrincipalTag/x509Issuer/CN"] == "DriftSeal production"
    error_message = "the certificate is the enclave's own, of an approved image"
  }

  assert {
    condition     = toset(jsondecode(aws_iam_role.enclave.assume_role_policy).Statement[0].Action) == toset(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])
    error_message = "it takes the three actions that Roles Anywhere needs"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "ReadStates"]).Resource == "arn:aws:s3:::terraform-states/registry/terraform.tfstate" && one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "ReadStates"]).Action == "s3:GetObject"
    error_message = "it reads the named states"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "TellMissingStates"]).Resource == "arn:aws:s3:::terraform-states"
    error_message = "a state that is missing looks missing, not forbidden"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "TakeEvents"]).Resource) == toset(["arn:aws:sqs:eu-west-1:111122223333:driftseal-production-events", "arn:aws:sqs:eu-west-1:111122223333:driftseal-production-state"])
    error_message = "it takes events from its own queues"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "KeepLedger"]).Action) == toset(["s3:GetObject", "s3:PutObject"]) && !strcontains(aws_iam_role_policy.enclave.policy, "s3:Delete") && !strcontains(aws_iam_role_policy.enclave.policy, "Retention")
    error_message = "it adds to the ledger and takes nothing back"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "SendMetrics"]).Condition.StringEquals["cloudwatch:namespace"] == "DriftSeal"
    error_message = "it sends metrics of its own namespace"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.enclave.policy, ":*\"")
    error_message = "it has no wildcard action"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "DecryptStates"]).Resource == "arn:aws:kms:eu-west-1:111122223333:key/1" && one([for s in jsondecode(aws_iam_role_policy.enclave.policy).Statement : s if s.Sid == "DecryptStates"]).Condition.StringLike["kms:ViaService"] == "s3.*.amazonaws.com"
    error_message = "states under a key of the user are decrypted through S3"
  }

  assert {
    condition     = aws_rolesanywhere_profile.enclave.duration_seconds == 3600
    error_message = "sessions last an hour at most"
  }
}

run "hosts" {
  command = plan

  assert {
    condition     = aws_iam_role_policy.node.policy == aws_iam_role_policy.general_node.policy && one([for s in jsondecode(aws_iam_role_policy.node.policy).Statement : s if s.Sid == "DenyData"]).Effect == "Deny" && one([for s in jsondecode(aws_iam_role_policy.node.policy).Statement : s if s.Sid == "DenyData"]).Resource == "*"
    error_message = "both kinds of nodes are denied data"
  }

  assert {
    condition     = length(setsubtract(["kms:*", "s3:*", "secretsmanager:*", "sqs:*", "rolesanywhere:*", "sts:AssumeRole", "cloudwatch:PutMetricData"], one([for s in jsondecode(aws_iam_role_policy.node.policy).Statement : s if s.Sid == "DenyData"]).Action)) == 0
    error_message = "keys, buckets, secrets, queues, sessions and heartbeats are data"
  }

  assert {
    condition     = toset([for a in aws_iam_role_policy_attachment.node : a.policy_arn]) == toset(["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"])
    error_message = "nodes join and pull, nothing more"
  }

  assert {
    condition     = toset(jsondecode(output.state_bucket_policies["terraform-states"]).Statement[0].Condition.ArnEquals["aws:PrincipalArn"]) == toset(["arn:aws:iam::111122223333:role/driftseal-production-node", "arn:aws:iam::111122223333:role/driftseal-production-general-node", "arn:aws:iam::111122223333:role/driftseal-production-bootstrap"])
    error_message = "the owner of a state bucket is given the same denial"
  }

  assert {
    condition     = aws_iam_role_policy_attachment.vpc_cni.role == "driftseal-production-vpc-cni" && jsondecode(aws_iam_role.vpc_cni.assume_role_policy).Statement[0].Principal.Service == "pods.eks.amazonaws.com"
    error_message = "the network plugin has its permissions by Pod Identity, not from the node"
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.bootstrap, aws_iam_role.enclave, aws_iam_role.node, aws_iam_role.general_node, aws_iam_role.cluster, aws_iam_role.vpc_cni, aws_iam_role.ebs_csi, aws_iam_role.flow_logs] : can(regex("^[\\x20-\\x7e]+$", role.description))])
    error_message = "every description is Latin-1, or AWS refuses it"
  }
}
