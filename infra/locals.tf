# Every name and ARN is built here from variables, never read from a resource's attribute: so policies are known at plan,
# tests and reviewers see their real JSON, and a key policy may name a role whose own policy speaks of the key.

locals {
  name       = "${var.name}-${var.environment}"
  account_id = var.account_id
  region     = var.aws_region
  partition  = startswith(var.aws_region, "us-gov-") ? "aws-us-gov" : "aws"

  cluster_name     = local.name
  namespace        = "driftseal" # of the pods, in deploy/
  service_account  = "driftseal" # whom Pod Identity gives the bootstrap role
  metric_namespace = "DriftSeal"

  # What the enclave sends with every call to KMS (enclave/unwrap.ts); the purpose keeps the kinds of keys apart.
  encryption_context = {
    service     = "driftseal"
    environment = var.environment
  }

  iam_prefix  = "arn:${local.partition}:iam::${local.account_id}"
  root_arn    = "${local.iam_prefix}:root"
  cluster_arn = "arn:${local.partition}:eks:${local.region}:${local.account_id}:cluster/${local.cluster_name}"

  # Made in iam.tf, but: provisioner in rotation.tf; pipeline and everything after it in pipeline.tf.
  role_names = { for role in [
    "bootstrap", "enclave", "cluster", "node", "general_node", "vpc_cni", "ebs_csi", "flow_logs",
    "provisioner", "pipeline", "build", "rebuild", "compare", "promote", "rollout", "approver",
  ] : role => "${local.name}-${replace(role, "_", "-")}" }
  role_arns = { for role, name in local.role_names : role => "${local.iam_prefix}:role/${name}" }

  # The host's: whatever holds one of these is denied data wherever data lies.
  host_role_arns = [local.role_arns.bootstrap, local.role_arns.node, local.role_arns.general_node]

  # Who may use a key is said in its key policy alone (kms.tf), so nothing needs a key's ARN in a policy.
  key_aliases = { for key in ["enclave_dek", "data", "eks_secrets", "ebs"] :
  key => "alias/${local.name}-${replace(key, "_", "-")}" }

  bucket_names = { for bucket in ["ledger", "artifacts", "logs"] : bucket => "${local.name}-${bucket}-${local.account_id}" }
  bucket_arns  = { for bucket, name in local.bucket_names : bucket => "arn:${local.partition}:s3:::${name}" }

  queue_names = { for queue in ["events", "events_dlq", "state", "state_dlq"] : queue => "${local.name}-${replace(queue, "_", "-")}" }
  queue_arns = { for queue, name in local.queue_names :
  queue => "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${name}" }

  # Secrets Manager appends six characters of its own to a secret's ARN.
  secret_prefix = "arn:${local.partition}:secretsmanager:${local.region}:${local.account_id}:secret"
  secret_names  = { for secret in ["dek", "identity"] : secret => "${local.name}/${secret}" }
  secret_arns   = { for secret, name in local.secret_names : secret => "${local.secret_prefix}:${name}-??????" }
  # Keys of webhooks, one secret each, made by whoever adds a sink.
  webhook_secret_arns = "${local.secret_prefix}:${local.name}/webhook/*"
  # In pipeline.tf.
  promotion_token_name = "${local.name}/promotion-token"
  promotion_token_arn  = "${local.secret_prefix}:${local.promotion_token_name}-??????"

  # The device plugin is AWS's own, mirrored: nodes reach no public registry.
  built_images     = ["enclave", "runner", "parent_proxy"]
  repository_names = { for image in concat(local.built_images, ["device_plugin"]) : image => "${local.name}/${replace(image, "_", "-")}" }
  repository_arns = { for image, name in local.repository_names :
  image => "arn:${local.partition}:ecr:${local.region}:${local.account_id}:repository/${name}" }

  topic_name = "${local.name}-alarms"
  topic_arn  = "arn:${local.partition}:sns:${local.region}:${local.account_id}:${local.topic_name}"

  log_group_prefix = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group"

  # The states are the user's own: read, never owned.
  state_bucket_arns = [for bucket in var.state_buckets : "arn:${local.partition}:s3:::${bucket.name}"]
  state_object_arns = flatten([for bucket in var.state_buckets : [
    for key in bucket.keys : "arn:${local.partition}:s3:::${bucket.name}/${key}"
  ]])
  state_kms_key_arns = distinct([for bucket in var.state_buckets : bucket.kms_key_arn if bucket.kms_key_arn != null])
}
