variable "name" {
  description = "First part of the names of what this makes."
  type        = string
  default     = "driftseal"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 characters of a-z, 0-9 and '-'."
  }
}

variable "account_id" {
  description = "Account whose events are sent: the one that this is applied in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits, in quotes."
  }
}

variable "aws_region" {
  description = "Region whose events are sent: the provider's own."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be a region such as us-east-1."
  }
}

variable "bus_arn" {
  description = "Where to: output event_bus_arn of the account that DriftSeal runs in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws(-us-gov)?:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._-]+$", var.bus_arn))
    error_message = "bus_arn must be the ARN of an event bus."
  }
}

variable "dead_letter_queue_arn" {
  description = "SQS queue of this account and region that takes what could not be sent. Null: it is lost after a day of tries."
  type        = string
  default     = null

  validation {
    condition     = var.dead_letter_queue_arn == null ? true : can(regex("^arn:aws(-us-gov)?:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.dead_letter_queue_arn))
    error_message = "dead_letter_queue_arn must be the ARN of an SQS queue."
  }
}
