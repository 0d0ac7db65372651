# moto has no IAM Roles Anywhere, so the role's trust may not wait for the anchor.
resource "aws_iam_role" "enclave" {
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Action = "sts:AssumeRole", Principal = { AWS = "*" } }]
  })
}
