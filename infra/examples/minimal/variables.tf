# The two that change when an image is approved: release.auto.tfvars.json, by a pull request.

variable "enclave_pcr0_allow_list" {
  description = "PCR0 of each approved image."
  type        = list(string)
  default     = []
}

variable "enclave_trust_anchor_pem" {
  description = "The enclave's CA certificate, once its attestation was verified."
  type        = string
  default     = ""
}
