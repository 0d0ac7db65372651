# The key policies, statement by statement.
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

run "gate_closed" {
  command = plan

  assert {
    condition     = length([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Effect == "Allow" && contains(flatten([s.Action]), "kms:Decrypt")]) == 0
    error_message = "with no image approved no statement may allow Decrypt"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyUnattested"])) == jsonencode({
      Sid       = "DenyUnattested"
      Effect    = "Deny"
      Action    = ["kms:DeriveSharedSecret", "kms:Decrypt"]
      Principal = "*"
      Resource  = "*"
    })
    error_message = "with no image approved Decrypt is denied without any condition"
  }

  assert {
    condition     = length(setintersection(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "KeyAdministration"]).Action, ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyPair", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant"])) == 0
    error_message = "administrators administer, and use nothing"
  }

  assert {
    condition     = one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "KeyAdministration"]).Principal.AWS == "arn:aws:iam::111122223333:role/platform-admin"
    error_message = "the administrators are the named roles"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "RootUserRecovery"])) == jsonencode({
      Sid       = "RootUserRecovery"
      Effect    = "Allow"
      Action    = ["kms:PutKeyPolicy", "kms:GetKeyPolicy", "kms:DescribeKey", "kms:CancelKeyDeletion"]
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Resource  = "*"
      Condition = {
        ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:root" }
      }
    })
    error_message = "the root principal means the root user alone, and recovery alone"
  }

  assert {
    condition     = toset([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s.Sid if s.Effect == "Allow" && contains(flatten([s.Action]), "kms:PutKeyPolicy")]) == toset(["KeyAdministration", "RootUserRecovery"])
    error_message = "PutKeyPolicy has exactly two holders"
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : alltrue([for a in flatten([s.Action]) : !strcontains(a, "*")]) && s.Principal != "*" if s.Effect == "Allow"])
    error_message = "no statement allows by wildcard"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyDebugEnclave"])) == jsonencode({
      Sid       = "DenyDebugEnclave"
      Effect    = "Deny"
      Action    = "kms:Decrypt"
      Principal = "*"
      Resource  = "*"
      Condition = {
        StringEquals = { "kms:RecipientAttestation:PCR0" = join("", [for _ in range(96) : "0"]) }
      }
    })
    error_message = "debug enclaves are denied"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyGrantsAndReEncryption"])) == jsonencode({
      Sid       = "DenyGrantsAndReEncryption"
      Effect    = "Deny"
      Action    = ["kms:ReEncryptTo", "kms:ReEncryptFrom", "kms:CreateGrant"]
      Principal = "*"
      Resource  = "*"
    })
    error_message = "grants and re-encryption are denied to everyone"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyChosenPlaintext"])) == jsonencode({
      Sid       = "DenyChosenPlaintext"
      Effect    = "Deny"
      Action    = ["kms:GenerateDataKeyPair", "kms:Encrypt"]
      Principal = "*"
      Resource  = "*"
    })
    error_message = "nobody encrypts what he chose"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyPlaintextKeys"])) == jsonencode({
      Sid       = "DenyPlaintextKeys"
      Effect    = "Deny"
      Action    = "kms:GenerateDataKey"
      Principal = "*"
      Resource  = "*"
      Condition = {
        StringNotEquals = { "kms:EncryptionContext:purpose" = "webhook" }
      }
    })
    error_message = "a plaintext key is for webhooks alone"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "ProvisionDataKey"])) == jsonencode({
      Sid       = "ProvisionDataKey"
      Effect    = "Allow"
      Action    = "kms:GenerateDataKeyWithoutPlaintext"
      Principal = { AWS = "arn:aws:iam::111122223333:role/driftseal-production-provisioner" }
      Resource  = "*"
      Condition = {
        StringEquals = {
          "kms:EncryptionContext:service"     = "driftseal"
          "kms:EncryptionContext:environment" = "production"
          "kms:EncryptionContext:purpose"     = "dek"
        }
      }
    })
    error_message = "the provisioner makes data keys, wrapped, under their context"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "ProvisionIdentity"])) == jsonencode({
      Sid       = "ProvisionIdentity"
      Effect    = "Allow"
      Action    = "kms:GenerateDataKeyPairWithoutPlaintext"
      Principal = { AWS = "arn:aws:iam::111122223333:role/driftseal-production-provisioner" }
      Resource  = "*"
      Condition = {
        StringEquals = {
          "kms:EncryptionContext:service"     = "driftseal"
          "kms:EncryptionContext:environment" = "production"
          "kms:EncryptionContext:purpose"     = "identity"
          "kms:DataKeyPairSpec"               = "ECC_NIST_P256"
        }
      }
    })
    error_message = "the provisioner makes the identity key, wrapped, on P-256, under its context"
  }

  assert {
    condition     = length([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "ProvisionWebhookKeys"]) == 0
    error_message = "nobody makes webhook keys until a role is named"
  }

  assert {
    condition     = !strcontains(aws_kms_key.enclave_dek.policy, "-build") && !strcontains(aws_kms_key.enclave_dek.policy, "-promote") && !strcontains(aws_kms_key.enclave_dek.policy, "-node")
    error_message = "the builds have no place in this policy"
  }

  assert {
    condition     = alltrue([for key in [aws_kms_key.enclave_dek, aws_kms_key.data, aws_kms_key.eks_secrets, aws_kms_key.ebs] : key.enable_key_rotation && key.deletion_window_in_days == 30 && !key.bypass_policy_lockout_safety_check])
    error_message = "keys rotate and are not deleted in a hurry"
  }

  assert {
    condition     = alltrue([for key in [aws_kms_key.enclave_dek, aws_kms_key.data, aws_kms_key.eks_secrets, aws_kms_key.ebs] : can(regex("^[\\x20-\\x7e]+$", key.description))])
    error_message = "every description is Latin-1, or AWS refuses it"
  }

  assert {
    condition     = aws_kms_alias.this["enclave_dek"].name == "alias/driftseal-production-enclave-dek"
    error_message = "each key has its name"
  }
}

run "gate_open_for_two_images" {
  command = plan

  variables {
    enclave_pcr0_allow_list = [join("", [for _ in range(96) : "a"]), join("", [for _ in range(96) : "b"])]
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "AttestedDecrypt"])) == jsonencode({
      Sid       = "AttestedDecrypt"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Principal = { AWS = "arn:aws:iam::111122223333:role/driftseal-production-bootstrap" }
      Resource  = "*"
      Condition = {
        StringEqualsIgnoreCase = { "kms:RecipientAttestation:PCR0" = [join("", [for _ in range(96) : "a"]), join("", [for _ in range(96) : "b"])] }
        StringEquals = {
          "kms:EncryptionContext:service"     = "driftseal"
          "kms:EncryptionContext:environment" = "production"
          "kms:EncryptionContext:purpose"     = ["dek", "identity", "webhook"]
        }
      }
    })
    error_message = "an approved image decrypts, under the exact context"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyUnattested"])) == jsonencode({
      Sid       = "DenyUnattested"
      Effect    = "Deny"
      Action    = ["kms:DeriveSharedSecret", "kms:Decrypt"]
      Principal = "*"
      Resource  = "*"
      Condition = {
        StringNotEqualsIgnoreCase = { "kms:RecipientAttestation:PCR0" = [join("", [for _ in range(96) : "a"]), join("", [for _ in range(96) : "b"])] }
      }
    })
    error_message = "everything else is denied, a call without a document too"
  }

  assert {
    condition     = length([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Effect == "Allow" && contains(flatten([s.Action]), "kms:Decrypt")]) == 1
    error_message = "one statement allows Decrypt"
  }

  assert {
    condition     = !strcontains(aws_kms_key.enclave_dek.policy, "ForAllValues") && !strcontains(aws_kms_key.enclave_dek.policy, "IfExists")
    error_message = "ForAllValues holds for an absent key: never"
  }

  assert {
    condition     = !strcontains(aws_kms_key.data.policy, "RecipientAttestation")
    error_message = "the host's volumes, cluster and data keys name no measurement"
  }
}

run "further_measurements" {
  command = plan

  variables {
    enclave_pcr0_allow_list = [join("", [for _ in range(96) : "a"])]
    enclave_pcr3            = join("", [for _ in range(96) : "3"])
    enclave_pcr8            = join("", [for _ in range(96) : "8"])
  }

  assert {
    condition     = one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "AttestedDecrypt"]).Condition.StringEqualsIgnoreCase["kms:RecipientAttestation:PCR3"] == join("", [for _ in range(96) : "3"]) && one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "AttestedDecrypt"]).Condition.StringEqualsIgnoreCase["kms:RecipientAttestation:PCR8"] == join("", [for _ in range(96) : "8"])
    error_message = "the allowance demands them"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyOtherPCR3"])) == jsonencode({
      Sid       = "DenyOtherPCR3"
      Effect    = "Deny"
      Action    = "kms:Decrypt"
      Principal = "*"
      Resource  = "*"
      Condition = {
        StringNotEqualsIgnoreCase = { "kms:RecipientAttestation:PCR3" = join("", [for _ in range(96) : "3"]) }
      }
    })
    error_message = "another PCR3 is denied"
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "DenyOtherPCR8"])) == jsonencode({
      Sid       = "DenyOtherPCR8"
      Effect    = "Deny"
      Action    = "kms:Decrypt"
      Principal = "*"
      Resource  = "*"
      Condition = {
        StringNotEqualsIgnoreCase = { "kms:RecipientAttestation:PCR8" = join("", [for _ in range(96) : "8"]) }
      }
    })
    error_message = "another PCR8 is denied"
  }
}

run "webhook_keys" {
  command = plan

  variables {
    webhook_key_role_arns = ["arn:aws:iam::111122223333:role/alerting-admin"]
  }

  assert {
    condition = jsonencode(one([for s in jsondecode(aws_kms_key.enclave_dek.policy).Statement : s if s.Sid == "ProvisionWebhookKeys"])) == jsonencode({
      Sid       = "ProvisionWebhookKeys"
      Effect    = "Allow"
      Action    = "kms:GenerateDataKey"
      Principal = { AWS = "arn:aws:iam::111122223333:role/alerting-admin" }
      Resource  = "*"
      Condition = {
        StringEquals = {
          "kms:EncryptionContext:service"     = "driftseal"
          "kms:EncryptionContext:environment" = "production"
          "kms:EncryptionContext:purpose"     = "webhook"
        }
      }
    })
    error_message = "the named role makes webhook keys and no others"
  }

  assert {
    condition     = one([for s in jsondecode(aws_kms_key.data.policy).Statement : s if s.Sid == "StoreWebhookKeys"]).Condition.StringLike["kms:EncryptionContext:SecretARN"] == "arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/webhook/*"
    error_message = "and stores them as webhook secrets alone"
  }
}

run "other_keys" {
  command = plan

  variables {
    create_autoscaling_service_role = true
  }

  assert {
    condition     = [for s in jsondecode(aws_kms_key.data.policy).Statement : s.Sid if strcontains(jsonencode(s.Principal), "-bootstrap")] == ["ReadSecrets"] && one([for s in jsondecode(aws_kms_key.data.policy).Statement : s if s.Sid == "ReadSecrets"]).Condition.StringEquals["kms:ViaService"] == "secretsmanager.eu-west-1.amazonaws.com"
    error_message = "the host's role reaches the data key through Secrets Manager alone"
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_kms_key.data.policy).Statement : can(s.Condition.StringEquals["kms:ViaService"]) if can(s.Principal.AWS) && !contains(["KeyAdministration", "RootUserRecovery"], s.Sid)])
    error_message = "roles use the data key through a service, never by themselves"
  }

  assert {
    condition     = one([for s in jsondecode(aws_kms_key.data.policy).Statement : s if s.Sid == "DeliverAlarms"]).Condition.StringEquals["aws:SourceAccount"] == "111122223333"
    error_message = "services use the data key for this account alone"
  }

  assert {
    condition     = !strcontains(aws_kms_key.data.policy, "driftseal-production-node") && !strcontains(aws_kms_key.data.policy, "general-node")
    error_message = "node roles have no place in the data key's policy"
  }

  assert {
    condition     = can(one([for s in jsondecode(aws_kms_key.data.policy).Statement : s if s.Sid == "WriteLogs"]).Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"])
    error_message = "logs are encrypted for our log groups"
  }

  assert {
    condition     = one([for s in jsondecode(aws_kms_key.eks_secrets.policy).Statement : s if s.Sid == "EncryptSecrets"]).Principal.AWS == "arn:aws:iam::111122223333:role/driftseal-production-cluster"
    error_message = "Kubernetes Secrets are the control plane's"
  }

  assert {
    condition     = one([for s in jsondecode(aws_kms_key.ebs.policy).Statement : s if s.Sid == "AttachVolumes"]).Condition.Bool["kms:GrantIsForAWSResource"] == "true"
    error_message = "grants on the volumes' key are for AWS resources"
  }

  assert {
    condition     = length(aws_iam_service_linked_role.autoscaling) == 1
    error_message = "an account without Auto Scaling can have its role made"
  }
}
