# examples/complete (and of examples/minimal what that lacks) as AWS's provider plans it, without AWS: rendering.ts reads each run's plan. What AWS itself chooses is
# given where a policy speaks of it.

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "not-used"
  secret_key                  = "not-used"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

override_resource {
  target          = module.driftseal.aws_rolesanywhere_trust_anchor.enclave
  override_during = plan
  values = {
    id  = "8b1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
    arn = "arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/8b1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
  }
}

override_resource {
  target          = module.driftseal.aws_kms_key.enclave_dek
  override_during = plan
  values = {
    id     = "enclave_dek"
    key_id = "enclave_dek"
    arn    = "arn:aws:kms:eu-west-1:111122223333:key/enclave_dek"
  }
}

override_resource {
  target          = module.driftseal.aws_kms_key.data
  override_during = plan
  values = {
    id     = "data"
    key_id = "data"
    arn    = "arn:aws:kms:eu-west-1:111122223333:key/data"
  }
}

override_resource {
  target          = module.driftseal.aws_kms_key.eks_secrets
  override_during = plan
  values = {
    id     = "eks_secrets"
    key_id = "eks_secrets"
    arn    = "arn:aws:kms:eu-west-1:111122223333:key/eks_secrets"
  }
}

override_resource {
  target          = module.driftseal.aws_kms_key.ebs
  override_during = plan
  values = {
    id     = "ebs"
    key_id = "ebs"
    arn    = "arn:aws:kms:eu-west-1:111122223333:key/ebs"
  }
}

override_resource {
  target          = module.driftseal.aws_kms_key.signing
  override_during = plan
  values = {
    id     = "signing"
    key_id = "signing"
    arn    = "arn:aws:kms:eu-west-1:111122223333:key/signing"
  }
}

# A roll-out: the old image (a…) and the new one (b…).
run "open" {
  command = plan

  variables {
    enclave_pcr0_allow_list  = [join("", [for _ in range(96) : "a"]), join("", [for _ in range(96) : "b"])]
    enclave_trust_anchor_pem = <<-PEM
      -----BEGIN CERTIFICATE-----
      MIIBoDCCAUagAwIBAgIBATAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBREcmlmdFNl
      -----END CERTIFICATE-----
    PEM
  }
}

# No image approved, no CA known.
run "closed" {
  command = plan
}

# The old image retired, and PCR3 (3…) and PCR8 (8…) demanded too.
run "measured" {
  command = plan

  variables {
    enclave_pcr0_allow_list = [join("", [for _ in range(96) : "b"])]
    enclave_pcr3            = join("", [for _ in range(96) : "3"])
    enclave_pcr8            = join("", [for _ in range(96) : "8"])
  }
}

# What the complete example leaves to others: the trail.
run "minimal" {
  command = plan

  module {
    source = "../minimal"
  }
}
