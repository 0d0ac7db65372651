output "driftseal" {
  description = "What the measured configuration, the manifests and the operator need."
  value       = module.driftseal
}
