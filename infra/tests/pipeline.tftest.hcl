# The pipeline: its stages, and how far each role reaches.
# The real provider renders the policies; nothing leaves the machine.

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "not-used"
  secret_key                  = "not-used"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  environment             = "production"
  account_id              = "111122223333"
  aws_region              = "eu-west-1"
  availability_zones      = ["eu-west-1a", "eu-west-1b"]
  kms_admin_role_arns     = ["arn:aws:iam::111122223333:role/platform-admin"]
  state_buckets           = [{ name = "terraform-states", keys = ["registry/terraform.tfstate", "network/*"] }]
  source_repository       = "example/driftseal"
  approver_principal_arns = ["arn:aws:iam::111122223333:role/security-reviewer"]
}

run "stages" {
  command = plan

  variables {
    connection_arn = "arn:aws:codeconnections:eu-west-1:111122223333:connection/3f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
  }

  assert {
    condition     = [for s in aws_codepipeline.this.stage : s.name] == ["Source", "Build", "Compare", "Approve", "Promote", "RollOut", "Retire"]
    error_message = "nothing is promoted before it was built twice, compared and approved"
  }

  assert {
    condition     = aws_codepipeline.this.pipeline_type == "V2" && aws_codepipeline.this.execution_mode == "QUEUED"
    error_message = "no run overtakes one that waits for a person"
  }

  assert {
    condition     = one([for s in aws_codepipeline.this.stage : s if s.name == "Source"]).action[0].configuration.ConnectionArn == "arn:aws:codeconnections:eu-west-1:111122223333:connection/3f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2" && one([for s in aws_codepipeline.this.stage : s if s.name == "Source"]).action[0].configuration.BranchName == "main"
    error_message = "from the named branch"
  }

  assert {
    condition     = toset([for a in one([for s in aws_codepipeline.this.stage : s if s.name == "Build"]).action : a.configuration.ProjectName]) == toset(["driftseal-production-build", "driftseal-production-rebuild"]) && alltrue([for a in one([for s in aws_codepipeline.this.stage : s if s.name == "Build"]).action : a.run_order == 1 && a.input_artifacts == tolist(["source"])])
    error_message = "two projects build the same commit side by side"
  }

  assert {
    condition     = toset(one([for s in aws_codepipeline.this.stage : s if s.name == "Compare"]).action[0].input_artifacts) == toset(["source", "build", "rebuild"]) && one([for s in aws_codepipeline.this.stage : s if s.name == "Compare"]).action[0].namespace == "Compare"
    error_message = "the comparison has both"
  }

  assert {
    condition     = one([for s in aws_codepipeline.this.stage : s if s.name == "Approve"]).action[0].name == "ReviewPCR0" && one([for s in aws_codepipeline.this.stage : s if s.name == "Approve"]).action[0].category == "Approval" && length(one([for s in aws_codepipeline.this.stage : s if s.name == "Approve"]).action) == 1
    error_message = "the gate is Approve/ReviewPCR0"
  }

  assert {
    condition     = strcontains(one([for s in aws_codepipeline.this.stage : s if s.name == "Approve"]).action[0].configuration.CustomData, "#{Compare.PCR0}") && strcontains(one([for s in aws_codepipeline.this.stage : s if s.name == "Approve"]).action[0].configuration.CustomData, "#{Source.CommitId}") && length(one([for s in aws_codepipeline.this.stage : s if s.name == "Approve"]).action[0].configuration.CustomData) < 1000
    error_message = "the reviewer is told what was measured of which commit"
  }

  assert {
    condition     = strcontains(one([for s in aws_codepipeline.this.stage : s if s.name == "Approve"]).action[0].configuration.ExternalEntityLink, "prefix=builds/#{codepipeline.PipelineExecutionId}/#{Source.CommitId}/build-summary.md")
    error_message = "the link is to the report of this execution"
  }

  assert {
    condition     = one([for s in aws_codepipeline.this.stage : s if s.name == "RollOut"]).action[0].name == "ConfirmApplied" && one([for s in aws_codepipeline.this.stage : s if s.name == "RollOut"]).action[0].category == "Approval" && one([for s in aws_codepipeline.this.stage : s if s.name == "RollOut"]).action[1].run_order == 2
    error_message = "nothing is rolled out before the key policy lets it in"
  }

  assert {
    condition     = alltrue([for p in [one([for s in aws_codepipeline.this.stage : s if s.name == "Promote"]).action[0], one([for s in aws_codepipeline.this.stage : s if s.name == "Retire"]).action[0]] : p.configuration.ProjectName == "driftseal-production-promote"])
    error_message = "allowing and retiring are proposed the same way"
  }
}

run "projects" {
  command = plan

  variables {
    connection_arn = "arn:aws:codeconnections:eu-west-1:111122223333:connection/3f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
  }

  assert {
    condition     = { for name, p in aws_codebuild_project.this : name => one(p.source).buildspec } == { build = "deploy/buildspec.yml", rebuild = "deploy/buildspec.yml", compare = "deploy/buildspec-compare.yml", promote = "deploy/buildspec-promote.yml", rollout = "deploy/buildspec-rollout.yml" }
    error_message = "each project has its buildspec"
  }

  assert {
    condition     = toset([for name, p in aws_codebuild_project.this : name if one(p.environment).privileged_mode]) == toset(["build", "rebuild"])
    error_message = "only what builds images runs Docker"
  }

  assert {
    condition     = toset([for r in [for name in keys(aws_codebuild_project.this) : aws_iam_role.project[name].name] : r]) == toset(["driftseal-production-build", "driftseal-production-rebuild", "driftseal-production-compare", "driftseal-production-promote", "driftseal-production-rollout"])
    error_message = "each project has a role of its own"
  }

  assert {
    condition     = alltrue([for p in values(aws_codebuild_project.this) : one([for v in one(p.environment).environment_variable : v.value if v.name == "ENVIRONMENT"]) == "production"])
    error_message = "builds know their environment"
  }

  assert {
    condition     = alltrue([for g in values(aws_cloudwatch_log_group.project) : g.retention_in_days == 365])
    error_message = "their logs are kept"
  }

  assert {
    condition     = toset(aws_eks_access_entry.rollout.kubernetes_groups) == toset(["driftseal:rollout"])
    error_message = "in the cluster the roll-out is what its group may do"
  }
}

run "roles" {
  command = plan

  variables {
    connection_arn = "arn:aws:codeconnections:eu-west-1:111122223333:connection/3f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
  }

  assert {
    condition     = alltrue([for r in ["build", "rebuild", "compare", "promote", "rollout"] : one([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s if s.Sid == "DenyGate"]).Effect == "Deny" && contains(one([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s if s.Sid == "DenyGate"]).Action, "codepipeline:PutApprovalResult") && contains(one([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s if s.Sid == "DenyGate"]).Action, "iam:*")])
    error_message = "no build approves"
  }

  assert {
    condition     = alltrue([for r in ["build", "rebuild", "compare", "promote", "rollout"] : contains(one([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s if s.Sid == "DenyKeyAdministration"]).Action, "kms:PutKeyPolicy") && contains(one([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s if s.Sid == "DenyKeyAdministration"]).Action, "kms:CreateGrant")])
    error_message = "no build, and no promotion, changes a key policy"
  }

  assert {
    condition     = alltrue([for r in ["build", "rebuild", "compare", "promote", "rollout"] : one([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s if s.Sid == "DenyOtherData"]).Action == ["sqs:*", "secretsmanager:*", "s3:*"] && toset(one([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s if s.Sid == "DenyOtherData"]).NotResource) == toset(["arn:aws:s3:::driftseal-production-artifacts-111122223333", "arn:aws:s3:::driftseal-production-artifacts-111122223333/*", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/promotion-token-??????"])])
    error_message = "no build has wrapped keys, states or events"
  }

  assert {
    condition     = toset(one([for s in jsondecode(data.aws_iam_policy_document.project["build"].json).Statement : s if s.Sid == "DenyDirectDecrypt"]).Condition.StringNotEquals["kms:ViaService"]) == toset(["s3.eu-west-1.amazonaws.com", "secretsmanager.eu-west-1.amazonaws.com"])
    error_message = "no build decrypts by itself"
  }

  assert {
    condition     = alltrue([for r in ["build", "rebuild", "compare", "promote", "rollout"] : length([for a in flatten([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s.Action if s.Effect == "Allow"]) : a if startswith(a, "kms:") || startswith(a, "codepipeline:")]) == 0])
    error_message = "no build is allowed anything of KMS or the pipeline by its policy"
  }

  assert {
    condition     = contains(flatten([for s in jsondecode(data.aws_iam_policy_document.project["build"].json).Statement : s.Action if s.Effect == "Allow"]), "ecr:CompleteLayerUpload") && !contains(flatten([for s in jsondecode(data.aws_iam_policy_document.project["rebuild"].json).Statement : s.Action if s.Effect == "Allow"]), "ecr:CompleteLayerUpload") && !contains(flatten([for s in jsondecode(data.aws_iam_policy_document.project["rebuild"].json).Statement : s.Action if s.Effect == "Allow"]), "ecr:PutImage")
    error_message = "only the first build pushes"
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.project["build"].json).Statement : s if s.Sid == "WriteReports"]).Resource == "arn:aws:s3:::driftseal-production-artifacts-111122223333/builds/*/first/*" && one([for s in jsondecode(data.aws_iam_policy_document.project["rebuild"].json).Statement : s if s.Sid == "WriteReports"]).Resource == "arn:aws:s3:::driftseal-production-artifacts-111122223333/builds/*/second/*"
    error_message = "a build writes its own measurements, and neither writes the report"
  }

  assert {
    condition     = length([for s in jsondecode(data.aws_iam_policy_document.project["promote"].json).Statement : s if s.Sid == "WriteReports"]) == 0 && one([for s in jsondecode(data.aws_iam_policy_document.project["promote"].json).Statement : s if s.Sid == "OpenPullRequests"]).Resource == "arn:aws:secretsmanager:eu-west-1:111122223333:secret:driftseal-production/promotion-token-??????"
    error_message = "the promotion opens pull requests, and that is all"
  }

  assert {
    condition     = length([for r in ["build", "rebuild", "compare", "rollout"] : r if contains(flatten([for s in jsondecode(data.aws_iam_policy_document.project[r].json).Statement : s.Action if s.Effect == "Allow"]), "secretsmanager:GetSecretValue")]) == 0
    error_message = "nothing else reads a secret"
  }

  assert {
    condition     = alltrue([for name in ["codebuild", "codepipeline"] : one(jsondecode(data.aws_iam_policy_document.pipeline_trust[name].json).Statement).Condition.StringEquals["aws:SourceAccount"] == "111122223333"])
    error_message = "the services act for this account alone"
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.connection.json).Statement : s if s.Sid == "DenyPushCodeconnections"]).Condition.StringEquals["codeconnections:ProviderPermissionsRequired"] == "read_write"
    error_message = "no build pushes through the connection"
  }
}

run "approver" {
  command = plan

  variables {
    connection_arn = "arn:aws:codeconnections:eu-west-1:111122223333:connection/3f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
  }

  assert {
    condition     = one([for s in jsondecode(data.aws_iam_policy_document.approver.json).Statement : s if s.Sid == "Approve"]).Resource == "arn:aws:codepipeline:eu-west-1:111122223333:driftseal-production/Approve/ReviewPCR0" && one([for s in jsondecode(data.aws_iam_policy_document.approver.json).Statement : s if s.Sid == "Approve"]).Action == "codepipeline:PutApprovalResult"
    error_message = "the approver decides one action"
  }

  assert {
    condition     = length([for s in jsondecode(data.aws_iam_policy_document.approver.json).Statement : s if s.Effect == "Allow" && contains(flatten([try(s.Action, [])]), "codepipeline:PutApprovalResult")]) == 1
    error_message = "and no other"
  }

  assert {
    condition     = length(setintersection(flatten([for s in jsondecode(data.aws_iam_policy_document.approver.json).Statement : try(s.Action, []) if s.Effect == "Allow"]), ["codepipeline:StartPipelineExecution", "codepipeline:UpdatePipeline", "codebuild:StartBuild", "s3:PutObject", "kms:Sign", "kms:PutKeyPolicy"])) == 0 && one([for s in jsondecode(data.aws_iam_policy_document.approver.json).Statement : s if s.Sid == "DenyEverythingElse"]).Effect == "Deny"
    error_message = "he reads, and changes nothing"
  }

  assert {
    condition     = one(jsondecode(data.aws_iam_policy_document.approver_trust.json).Statement).Principal.AWS == "arn:aws:iam::111122223333:role/security-reviewer"
    error_message = "the named reviewers take the role"
  }
}

run "signatures" {
  command = plan

  variables {
    connection_arn = "arn:aws:codeconnections:eu-west-1:111122223333:connection/3f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2"
  }

  assert {
    condition     = aws_kms_key.signing.key_usage == "SIGN_VERIFY" && aws_kms_key.signing.customer_master_key_spec == "ECC_NIST_P256"
    error_message = "reports are signed with P-256"
  }

  assert {
    condition     = one([for s in jsondecode(aws_kms_key.signing.policy).Statement : s if s.Sid == "SignReports"]).Principal.AWS == "arn:aws:iam::111122223333:role/driftseal-production-compare" && one([for s in jsondecode(aws_kms_key.signing.policy).Statement : s if s.Sid == "DenySigningByOthers"]).Condition.ArnNotEquals["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/driftseal-production-compare"
    error_message = "by the comparison, and by nobody else"
  }

  assert {
    condition     = !contains(flatten([for s in jsondecode(aws_kms_key.signing.policy).Statement : s.Action if s.Effect == "Allow"]), "kms:CreateGrant") && one([for s in jsondecode(aws_kms_key.signing.policy).Statement : s if s.Sid == "DenyGrants"]).Effect == "Deny"
    error_message = "nobody is granted a signature"
  }
}

run "connection_is_made" {
  command = plan

  assert {
    condition     = length(aws_codeconnections_connection.source) == 1 && aws_codeconnections_connection.source[0].provider_type == "GitHub"
    error_message = "a connection is made where none is given"
  }
}

run "connection_malformed" {
  command         = plan
  expect_failures = [var.connection_arn]

  variables {
    connection_arn = "arn:aws:iam::111122223333:role/x"
  }
}

run "repository_without_owner" {
  command         = plan
  expect_failures = [var.source_repository]

  variables {
    source_repository = "driftseal"
  }
}

run "build_image_by_tag" {
  command         = plan
  expect_failures = [var.build_image]

  variables {
    build_image = "public.ecr.aws/docker/library/node:26"
  }
}

run "tfvars_outside" {
  command         = plan
  expect_failures = [var.tfvars_path]

  variables {
    tfvars_path = "../other.tfvars"
  }
}

run "no_reviewer" {
  command         = plan
  expect_failures = [var.approver_principal_arns]

  variables {
    approver_principal_arns = []
  }
}

run "reviewer_administers_keys" {
  command         = plan
  expect_failures = [var.approver_principal_arns]

  variables {
    approver_principal_arns = ["arn:aws:iam::111122223333:role/platform-admin"]
  }
}
