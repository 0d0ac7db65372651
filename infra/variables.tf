# --- identity ---

variable "name" {
  description = "First part of every resource's name."
  type        = string
  default     = "driftseal"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 16 characters of a-z, 0-9 and '-': buckets and roles carry it."
  }
}

variable "environment" {
  description = "The enclave's environment, exactly as in its measured configuration: it is part of every encryption context."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$", var.environment))
    error_message = "environment must be at most 20 characters of a-z, 0-9 and '-', such as dev, staging or production."
  }
}

variable "account_id" {
  description = "AWS account that this is applied in. Give it to the provider's allowed_account_ids too."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, in quotes."
  }
}

variable "aws_region" {
  description = "Region that this is applied in: the provider's own."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region)) && !startswith(var.aws_region, "cn-")
    error_message = "aws_region must be a region such as eu-west-1; in cn- regions AWS has other host names than the enclave knows."
  }
}

# --- vpc.tf ---

variable "vpc_cidr" {
  description = "Address range of the VPC. Each subnet is a sixteenth of it."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 20, false)
    error_message = "vpc_cidr must be an IPv4 range from /16 to /20."
  }
}

variable "availability_zones" {
  description = "Zones to use, two or more. A zone's addresses follow from its letter, so that none moves when the list changes."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.availability_zones) >= 2 && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones must name at least two different zones."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : can(regex("^${var.aws_region}[a-h]$", zone))])
    error_message = "availability_zones must be zones of aws_region, such as eu-west-1a."
  }
}

variable "nat_mode" {
  description = "Way out of the private subnets: per_az, single (one zone's failure cuts all), or none (AWS by endpoints only: no webhooks outside AWS, no builds)."
  type        = string
  default     = "per_az"
  nullable    = false

  validation {
    condition     = contains(["none", "single", "per_az"], var.nat_mode)
    error_message = "nat_mode must be none, single or per_az."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps logs."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of CloudWatch's own values of a year or more: 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

# --- kms.tf ---

variable "kms_admin_role_arns" {
  description = "The only roles that may change key policies: the root of trust that remains. The role that applies this must be one of them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.kms_admin_role_arns) >= 1 && length(var.kms_admin_role_arns) <= 3
    error_message = "kms_admin_role_arns must name one to three roles."
  }

  validation {
    condition     = alltrue([for arn in var.kms_admin_role_arns : can(regex("^arn:aws(-us-gov)?:iam::${var.account_id}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "kms_admin_role_arns must be ARNs of roles in account_id, without wildcards."
  }
}

variable "enclave_pcr0_allow_list" {
  description = "PCR0 of each image that KMS releases keys to: one, or the old and the new while rolling out. Empty: nobody can unwrap anything."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for pcr0 in var.enclave_pcr0_allow_list : can(regex("^[0-9a-f]{96}$", pcr0))])
    error_message = "enclave_pcr0_allow_list must hold SHA-384 values in lower-case hex: 96 characters each."
  }

  validation {
    condition     = length(var.enclave_pcr0_allow_list) <= 3
    error_message = "enclave_pcr0_allow_list must hold at most 3 images: retire the old ones."
  }

  validation {
    condition     = length(distinct(var.enclave_pcr0_allow_list)) == length(var.enclave_pcr0_allow_list)
    error_message = "enclave_pcr0_allow_list must not name an image twice."
  }

  validation {
    condition     = !contains(var.enclave_pcr0_allow_list, join("", [for _ in range(96) : "0"]))
    error_message = "enclave_pcr0_allow_list must not hold the zero PCR0: every debug enclave has it, and its console shows all secrets."
  }
}

variable "enclave_pcr3" {
  description = "Also demand this PCR3 (the measurement of the parent instance's role ARN), so that no other role's instance may carry the image."
  type        = string
  default     = null

  validation {
    condition     = var.enclave_pcr3 == null ? true : can(regex("^[0-9a-f]{96}$", var.enclave_pcr3)) && can(regex("[1-9a-f]", var.enclave_pcr3))
    error_message = "enclave_pcr3 must be a SHA-384 value in lower-case hex, not zero."
  }
}

variable "enclave_pcr8" {
  description = "Also demand this PCR8 (the measurement of the image's signing certificate)."
  type        = string
  default     = null

  validation {
    condition     = var.enclave_pcr8 == null ? true : can(regex("^[0-9a-f]{96}$", var.enclave_pcr8)) && can(regex("[1-9a-f]", var.enclave_pcr8))
    error_message = "enclave_pcr8 must be a SHA-384 value in lower-case hex, not zero."
  }
}

variable "webhook_key_role_arns" {
  description = "Roles of people who make the keys of webhooks: GenerateDataKey with purpose webhook, whose plaintext goes to the receiver."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.webhook_key_role_arns : can(regex("^arn:aws(-us-gov)?:iam::${var.account_id}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "webhook_key_role_arns must be ARNs of roles in account_id, without wildcards."
  }
}

variable "create_autoscaling_service_role" {
  description = "True in an account that never had an Auto Scaling group: its service-linked role must exist before a key policy can name it."
  type        = bool
  default     = false
  nullable    = false
}

# --- iam.tf ---

variable "enclave_trust_anchor_pem" {
  description = "The CA certificate that the attested enclave shows, in PEM. Empty: the trust anchor exists and is disabled."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.enclave_trust_anchor_pem == "" || can(regex("^-----BEGIN CERTIFICATE-----\\r?\\n([A-Za-z0-9+/=]+\\r?\\n)+-----END CERTIFICATE-----\\s*$", var.enclave_trust_anchor_pem))
    error_message = "enclave_trust_anchor_pem must be exactly one certificate in PEM, and never a private key."
  }

  validation {
    condition     = trimspace(var.enclave_trust_anchor_pem) == "" || trimspace(var.enclave_trust_anchor_pem) != trimspace(file("${path.module}/templates/closed_anchor.pem"))
    error_message = "enclave_trust_anchor_pem must not be the certificate that stands in for none."
  }
}

variable "state_buckets" {
  description = "Buckets with Terraform states that the enclave reads: the keys (S3 wildcards allowed) and, if they are encrypted under a key of yours, its ARN."
  type = list(object({
    name        = string
    keys        = list(string)
    kms_key_arn = optional(string)
  }))
  nullable = false

  validation {
    condition     = length(var.state_buckets) >= 1 && length(distinct(var.state_buckets[*].name)) == length(var.state_buckets)
    error_message = "state_buckets must name at least one bucket, and none twice."
  }

  validation {
    condition     = alltrue([for bucket in var.state_buckets : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", bucket.name))])
    error_message = "state_buckets[].name must be the name of a bucket."
  }

  validation {
    condition     = alltrue([for bucket in var.state_buckets : length(bucket.keys) >= 1 && alltrue([for key in bucket.keys : length(key) > 0 && !startswith(key, "/") && key != "*"])])
    error_message = "state_buckets[].keys must name keys or prefixes such as \"network/*\"; not \"*\", which opens the whole bucket."
  }

  validation {
    condition     = alltrue([for bucket in var.state_buckets : bucket.kms_key_arn == null ? true : can(regex("^arn:aws(-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", bucket.kms_key_arn))])
    error_message = "state_buckets[].kms_key_arn must be a key's ARN, not an alias."
  }
}

# --- eks.tf ---

variable "cluster_version" {
  description = "Kubernetes version of the cluster and its nodes."
  type        = string
  default     = "1.35"
  nullable    = false

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.cluster_version)) && try(tonumber(split(".", var.cluster_version)[1]) >= 34, false)
    error_message = "cluster_version must be 1.34 or later: older ones are out of standard support."
  }
}

variable "public_access_cidrs" {
  description = "Who may reach the cluster's public endpoint. Empty: there is none, and the API is reached from inside the VPC."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "public_access_cidrs must be address ranges, and not the whole internet (0.0.0.0/0, ::/0)."
  }
}

variable "cluster_admin_role_arns" {
  description = "Roles of people and pipelines that administer the cluster. Nobody else does, its creator included."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.cluster_admin_role_arns : can(regex("^arn:aws(-us-gov)?:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "cluster_admin_role_arns must be ARNs of roles, without wildcards."
  }
}

variable "addon_versions" {
  description = "Versions of EKS addons, by name. One that is not named gets EKS's default for the cluster's version."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for addon in keys(var.addon_versions) : contains(["eks-pod-identity-agent", "vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver"], addon)])
    error_message = "addon_versions may name eks-pod-identity-agent, vpc-cni, kube-proxy, coredns and aws-ebs-csi-driver."
  }
}

variable "general_instance_types" {
  description = "Instance types of the nodes for everything but the enclave."
  type        = list(string)
  default     = ["m6i.large"]
  nullable    = false

  validation {
    condition     = length(var.general_instance_types) >= 1
    error_message = "general_instance_types must name at least one type."
  }
}

variable "general_node_count" {
  description = "How many nodes there are for everything but the enclave."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.general_node_count >= 1 && var.general_node_count <= 20 && floor(var.general_node_count) == var.general_node_count
    error_message = "general_node_count must be a whole number from 1 to 20."
  }
}

variable "nitro_instance_types" {
  description = "Instance types that carry an enclave: Intel or AMD, with at least 4 vCPUs."
  type        = list(string)
  default     = ["c6i.xlarge"]
  nullable    = false

  validation {
    condition     = length(var.nitro_instance_types) >= 1 && alltrue([for type in var.nitro_instance_types : can(regex("^[cmr][5-8](i|a|d|n|ad|dn|in|id|idn)?\\.[0-9]*xlarge$", type))])
    error_message = "nitro_instance_types must be c, m or r types of Intel or AMD from xlarge up: t types, *.large, *.metal and Graviton (the image is x86-64) carry no enclave."
  }
}

variable "nitro_node_count" {
  description = "1, or 0 to stop the enclave. Two of one environment would share neither ledger nor open drifts."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = contains([0, 1], var.nitro_node_count)
    error_message = "nitro_node_count must be 0 or 1: an environment has one enclave."
  }
}

variable "enclave_cpu_count" {
  description = "vCPUs that a node sets aside for its enclave: whole cores, two threads each."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.enclave_cpu_count >= 2 && var.enclave_cpu_count % 2 == 0
    error_message = "enclave_cpu_count must be even and at least 2."
  }
}

variable "enclave_memory_mib" {
  description = "Memory that a node sets aside for its enclave, in MiB, as 2 MiB pages. The pod requests exactly as much of hugepages-2Mi."
  type        = number
  default     = 2048
  nullable    = false

  validation {
    condition     = var.enclave_memory_mib >= 256 && var.enclave_memory_mib % 2 == 0
    error_message = "enclave_memory_mib must be even and at least 256."
  }
}

# --- ecr.tf ---

variable "registry_scan_type" {
  description = "Scanning of the registry, which is one for the account and region: ENHANCED (Inspector, continuous), BASIC, or null to leave it as it is."
  type        = string
  default     = "ENHANCED"

  validation {
    condition     = var.registry_scan_type == null ? true : contains(["BASIC", "ENHANCED"], var.registry_scan_type)
    error_message = "registry_scan_type must be ENHANCED, BASIC or null."
  }
}

# --- storage.tf ---

variable "ledger_retention_days" {
  description = "How long S3 keeps an entry of the ledger from everybody's reach."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.ledger_retention_days >= 1 && var.ledger_retention_days <= 36500 && floor(var.ledger_retention_days) == var.ledger_retention_days
    error_message = "ledger_retention_days must be a whole number of days from 1 to 36500."
  }
}

variable "ledger_lock_mode" {
  description = "COMPLIANCE: nobody can remove an entry before its time, AWS's root user included, and the bucket cannot be destroyed before either. GOVERNANCE: for an environment that is meant to go away."
  type        = string
  default     = "COMPLIANCE"
  nullable    = false

  validation {
    condition     = contains(["COMPLIANCE", "GOVERNANCE"], var.ledger_lock_mode)
    error_message = "ledger_lock_mode must be COMPLIANCE or GOVERNANCE."
  }
}

variable "managed_state_buckets" {
  description = "Those of state_buckets whose bucket policy and notifications this may set as a whole. It replaces what is there: only for buckets that have neither."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.managed_state_buckets, var.state_buckets[*].name)) == 0
    error_message = "managed_state_buckets must be names out of state_buckets."
  }
}

# --- events.tf ---

variable "member_account_ids" {
  description = "Other accounts whose management events are taken, sent by modules/forward."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for account in var.member_account_ids : can(regex("^[0-9]{12}$", account))]) && length(distinct(var.member_account_ids)) == length(var.member_account_ids)
    error_message = "member_account_ids must be different accounts of 12 digits each."
  }
}

variable "organization_id" {
  description = "Organization all of whose accounts may send their management events."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null ? true : can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be an organization's id, such as o-a1b2c3d4e5."
  }
}

variable "create_trail" {
  description = "Make a CloudTrail trail, without which EventBridge hears of no API call. False where an organization's trail covers this account."
  type        = bool
  default     = true
  nullable    = false
}

# --- rotation.tf ---

variable "rotation_package" {
  description = "Path of the rotation function's zip, built from deploy/rotation. Empty: no function, and nothing rotates."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.rotation_package == "" ? true : fileexists(var.rotation_package)
    error_message = "rotation_package must be an existing file: build it first."
  }
}

variable "rotation_architecture" {
  description = "Processor that the rotation function runs on. Its package is JavaScript and suits both."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.rotation_architecture)
    error_message = "rotation_architecture must be arm64 or x86_64."
  }
}

variable "dek_rotation_schedule" {
  description = "When the data key is rotated: a rate in days, or a cron expression of Secrets Manager."
  type        = string
  default     = "rate(30 days)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate\\([0-9]+ (day|days)\\)|cron\\([^()]+\\))$", var.dek_rotation_schedule))
    error_message = "dek_rotation_schedule must be such as \"rate(30 days)\" or \"cron(0 4 1 * ? *)\"."
  }
}

# --- pipeline.tf ---

variable "source_repository" {
  description = "Repository that is built, as owner/name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", var.source_repository))
    error_message = "source_repository must be owner/name."
  }
}

variable "source_branch" {
  description = "Branch whose commits are built. Protect it: reviews before the merge, no force pushes."
  type        = string
  default     = "main"
  nullable    = false
}

variable "source_provider" {
  description = "Where the repository is, for the connection that is made when connection_arn is null."
  type        = string
  default     = "GitHub"
  nullable    = false

  validation {
    condition     = contains(["GitHub", "GitHubEnterpriseServer", "GitLab", "GitLabSelfManaged", "Bitbucket"], var.source_provider)
    error_message = "source_provider must be GitHub, GitHubEnterpriseServer, GitLab, GitLabSelfManaged or Bitbucket."
  }
}

variable "connection_arn" {
  description = "An existing CodeConnections connection, limited to this one repository. Null: one is made, and a person completes it in the console."
  type        = string
  default     = null

  validation {
    condition     = var.connection_arn == null ? true : can(regex("^arn:aws(-us-gov)?:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]{36}$", var.connection_arn))
    error_message = "connection_arn must be the ARN of a connection, with the codeconnections or the older codestar-connections prefix."
  }
}

variable "build_image" {
  description = "Image that builds run in: one of CodeBuild's own by its version, or any other by its digest. It brings Docker."
  type        = string
  default     = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
  nullable    = false

  validation {
    condition     = can(regex("^(aws/codebuild/[a-z0-9_-]+:[0-9][0-9.-]*|[^@\\s]+@sha256:[0-9a-f]{64})$", var.build_image))
    error_message = "build_image must be aws/codebuild/<name>:<version>, or an image with @sha256:<digest>."
  }
}

variable "tfvars_path" {
  description = "File in the repository that holds enclave_pcr0_allow_list, which the promotion's pull requests change."
  type        = string
  default     = "infra/release.auto.tfvars.json"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+\\.tfvars(\\.json)?$", var.tfvars_path)) && !startswith(var.tfvars_path, "/") && !strcontains(var.tfvars_path, "..")
    error_message = "tfvars_path must be a .tfvars file by its path in the repository."
  }
}

variable "approver_principal_arns" {
  description = "Reviewers: the roles that may take the approver role. None of them may administer the keys."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.approver_principal_arns) >= 1 && alltrue([for arn in var.approver_principal_arns : can(regex("^arn:aws(-us-gov)?:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "approver_principal_arns must name at least one role by its ARN, without wildcards."
  }

  validation {
    condition     = length(setintersection(var.approver_principal_arns, var.kms_admin_role_arns)) == 0
    error_message = "approver_principal_arns must not name a role of kms_admin_role_arns: who opens the gate does not also approve the image."
  }
}

# --- monitoring.tf ---

variable "alarm_emails" {
  description = "Addresses that are told of alarms. Each gets a mail to confirm."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "alarm_emails must be addresses."
  }
}

variable "latency_p95_ms" {
  description = "From event to alert: alarm when one in twenty takes longer, in milliseconds."
  type        = number
  default     = 1500
  nullable    = false
}

variable "latency_p99_ms" {
  description = "From event to alert: alarm when one in a hundred takes longer, in milliseconds."
  type        = number
  default     = 3000
  nullable    = false

  validation {
    condition     = var.latency_p99_ms >= var.latency_p95_ms
    error_message = "latency_p99_ms must not be below latency_p95_ms."
  }
}

variable "oldest_event_secs" {
  description = "Alarm when an event waits for longer. Above terraform_hold_secs of the measured configuration, which changes by Terraform wait for in the queue."
  type        = number
  default     = 2400
  nullable    = false

  validation {
    condition     = var.oldest_event_secs >= 60 && var.oldest_event_secs <= 1209600
    error_message = "oldest_event_secs must be from 60 to the queue's retention of 1209600."
  }
}

variable "monthly_cost_limits_usd" {
  description = "Monthly limit of each service's costs, by its name in Cost Explorer; told at 80% spent and at 100% forecast. Of the whole account; {} for none."
  type        = map(number)
  default = {
    "Amazon Elastic Compute Cloud - Compute"          = 600 # four nodes
    "EC2 - Other"                                     = 250 # NAT, volumes, traffic
    "Amazon Virtual Private Cloud"                    = 450 # endpoints
    "Amazon Elastic Container Service for Kubernetes" = 120
    "AmazonCloudWatch"                                = 80
    "AWS Key Management Service"                      = 30
    "AWS CodeBuild"                                   = 50
  }
  nullable = false

  validation {
    condition     = alltrue([for limit in values(var.monthly_cost_limits_usd) : limit > 0])
    error_message = "monthly_cost_limits_usd must hold amounts above 0."
  }
}
