# --- kms.tf ---

output "kms_dek_key_arn" {
  description = "Key that wraps the data key, the CA's key and webhooks' keys: kms_key of the measured configuration."
  value       = aws_kms_key.enclave_dek.arn
}

output "kms_key_arns" {
  description = "All keys, by purpose."
  value = {
    enclave_dek = aws_kms_key.enclave_dek.arn
    data        = aws_kms_key.data.arn
    eks_secrets = aws_kms_key.eks_secrets.arn
    ebs         = aws_kms_key.ebs.arn
  }
}

output "kms_dek_key_policy" {
  description = "The policy of the key that wraps the data key, as JSON: what a reviewer approves."
  value       = data.aws_iam_policy_document.enclave_dek.json
}

output "enclave_gate" {
  description = "Whether KMS and IAM Roles Anywhere let the listed images in: open or closed."
  value = {
    kms            = local.gate_open ? "open" : "closed"
    roles_anywhere = local.gate_open && local.anchor_open ? "open" : "closed"
    pcr0           = local.pcr0_list
  }
}

# --- identity.tf ---

output "role_arns" {
  description = "All roles, by part."
  value       = local.role_arns
}

output "enclave_identity" {
  description = "The identity section of the measured configuration."
  value = {
    secret       = local.secret_names.identity
    trust_anchor = aws_rolesanywhere_trust_anchor.enclave.arn
    profile      = aws_rolesanywhere_profile.enclave.arn
    role         = local.role_arns.enclave
  }
}

output "state_bucket_policies" {
  description = "For each state bucket the statement that its owner adds to its policy: the host's roles are denied there too."
  value       = { for name, document in data.aws_iam_policy_document.state_bucket : name => document.json }
}

# --- vpc.tf ---

output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Private subnets, by zone."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }
}

output "nat_public_ips" {
  description = "Addresses that webhooks' receivers see, by zone."
  value       = { for zone, address in aws_eip.nat : zone => address.public_ip }
}

# --- eks.tf ---

output "cluster_name" {
  description = "The cluster, for aws eks update-kubeconfig."
  value       = aws_eks_cluster.this.name
}

output "cluster_endpoint" {
  description = "The Kubernetes API."
  value       = aws_eks_cluster.this.endpoint
}

# --- ecr.tf ---

output "repository_urls" {
  description = "Where images are pushed to and pulled from, by image."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.repository_url }
}

# --- storage.tf ---

output "bucket_names" {
  description = "Buckets, by purpose; ledger is ledger.bucket of the measured configuration."
  value       = local.bucket_names
}

output "managed_state_bucket_policies" {
  description = "What is set on the state buckets that this manages."
  value       = { for name, document in data.aws_iam_policy_document.managed_state_bucket : name => document.json }
}

# --- events.tf ---

output "queue_urls" {
  description = "Queues, by purpose; events and state are queue and state_queue of the measured configuration."
  value       = { for queue, name in local.queue_names : queue => "https://sqs.${local.region}.amazonaws.com/${local.account_id}/${name}" }
}

output "event_bus_arn" {
  description = "Where modules/forward sends the events of other accounts and regions."
  value       = local.bus_arn
}

# --- rotation.tf ---

output "secret_names" {
  description = "Secrets with wrapped keys: dek_secret and identity.secret of the measured configuration."
  value       = local.secret_names
}

output "rotation_function_arn" {
  description = "The function behind rotate-secret; null without rotation_package."
  value       = one(aws_lambda_function.rotation[*].arn)
}

# --- pipeline.tf ---

output "pipeline_name" {
  description = "The pipeline; its gate is stage Approve, action ReviewPCR0."
  value       = local.pipeline_name
}

output "connection_arn" {
  description = "The connection to the repository. Complete it in the console while it is pending."
  value       = local.connection_arn
}

output "signing_key_alias" {
  description = "Key that reports are signed with: its public half checks them."
  value       = local.signing_alias
}

output "promotion_token_secret" {
  description = "Secret that takes the token which opens pull requests."
  value       = local.promotion_token_name
}

# --- monitoring.tf ---

output "alarm_topic_arn" {
  description = "Topic that alarms and watched calls are told to."
  value       = local.topic_arn
}

output "dashboard_name" {
  description = "The CloudWatch dashboard."
  value       = local.dashboard_name
}

output "enclave_metrics" {
  description = "Metrics that the enclave puts into namespace DriftSeal, with the dimension Environment."
  value       = { namespace = local.metric_namespace, dimensions = local.enclave_dimensions, names = local.enclave_metrics }
}
