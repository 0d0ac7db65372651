# A server on this machine takes AWS's place. AWS_ENDPOINT_URL says where it is.
provider "aws" {
  allowed_account_ids         = null
  access_key                  = "not-used"
  secret_key                  = "not-used"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 5 # it may still be starting
}
