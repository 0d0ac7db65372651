output "rule_arn" {
  description = "The rule that sends."
  value       = aws_cloudwatch_event_rule.forward.arn
}

output "role_arn" {
  description = "The role that it sends as."
  value       = aws_iam_role.forward.arn
}
