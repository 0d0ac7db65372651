terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # backend "s3" {
  #   bucket       = "terraform-states"
  #   key          = "driftseal/production/terraform.tfstate"
  #   region       = "eu-west-1"
  #   encrypt      = true
  #   kms_key_id   = "arn:aws:kms:eu-west-1:111122223333:key/0b8f2d6e-5c1a-4f3b-9e7d-6a4c2b1d0e9f"
  #   use_lockfile = true
  # }
}

provider "aws" {
  region              = "eu-west-1"
  allowed_account_ids = ["111122223333"] # credentials of another account are refused before anything is planned

  default_tags {
    tags = {
      Project     = "driftseal"
      Environment = "production"
      ManagedBy   = "terraform"
    }
  }
}
