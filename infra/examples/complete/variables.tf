# What changes when an image is approved: release.auto.tfvars.json, by a pull request.

variable "enclave_pcr0_allow_list" {
  description = "PCR0 of each approved image."
  type        = list(string)
  default     = []
}

variable "enclave_pcr3" {
  description = "Measurement of the Nitro nodes' role."
  type        = string
  default     = null
}

variable "enclave_pcr8" {
  description = "Measurement of the certificate that images are signed with."
  type        = string
  default     = null
}

variable "enclave_trust_anchor_pem" {
  description = "The enclave's CA certificate, once its attestation was verified."
  type        = string
  default     = ""
}

variable "rotation_package" {
  description = "The rotation function's zip, once it is built."
  type        = string
  default     = ""
}
