# From a commit to a running image: built twice, compared, read by a person, proposed as a change to the allow list, rolled
# out once that change is applied, and the predecessor proposed for retirement. No role in here can change a key's policy.

locals {
  pipeline_name = local.name
  pipeline_arn  = "arn:${local.partition}:codepipeline:${local.region}:${local.account_id}:${local.pipeline_name}"
  approve_stage = "Approve"
  review_action = "ReviewPCR0"
  console_host  = local.partition == "aws-us-gov" ? "console.amazonaws-us-gov.com" : "${local.region}.console.aws.amazon.com"

  connection_arn = var.connection_arn == null ? one(aws_codeconnections_connection.source[*].arn) : var.connection_arn

  # What one execution measured, and nothing of another one.
  report_prefix = "builds/#{codepipeline.PipelineExecutionId}/#{Source.CommitId}"

  # Two builders that share nothing but the commit. Only the first pushes; neither can write the report.
  projects = {
    build   = { buildspec = "deploy/buildspec.yml", minutes = 60, docker = true, writes = ["builds/*/first/*"] }
    rebuild = { buildspec = "deploy/buildspec.yml", minutes = 60, docker = true, writes = ["builds/*/second/*"] }
    compare = { buildspec = "deploy/buildspec-compare.yml", minutes = 30, docker = false, writes = ["builds/*"] }
    promote = { buildspec = "deploy/buildspec-promote.yml", minutes = 15, docker = false, writes = [] }
    rollout = { buildspec = "deploy/buildspec-rollout.yml", minutes = 60, docker = false, writes = [] }
  }
  project_names = { for project in keys(local.projects) : project => "${local.name}-${project}" }
  project_arns = { for project, name in local.project_names :
  project => "arn:${local.partition}:codebuild:${local.region}:${local.account_id}:project/${name}" }
  project_logs = { for project, name in local.project_names : project => "/aws/codebuild/${name}" }

  # deploy/buildspec*.yml read these. The actions add EXECUTION_ID, COMMIT and what earlier stages measured.
  repository_urls = { for image in local.built_images :
  "REPOSITORY_${upper(image)}" => "${local.account_id}.dkr.ecr.${local.region}.amazonaws.com/${local.repository_names[image]}" }
  project_environment = {
    build   = merge(local.repository_urls, { BUILDER = "first" })
    rebuild = merge(local.repository_urls, { BUILDER = "second" })
    compare = {
      KMS_KEY_ARN = aws_kms_key.enclave_dek.arn # whose policy is shown as it is and as it would be
      SIGNING_KEY = local.signing_alias
      ALLOW_LIST  = jsonencode(local.pcr0_list)
      TFVARS_PATH = var.tfvars_path

      SOURCE_REPOSITORY = var.source_repository
      BUILDER_ID        = local.pipeline_arn # as the provenance names it
    }
    promote = {
      SOURCE_REPOSITORY      = var.source_repository
      SOURCE_BRANCH          = var.source_branch
      TFVARS_PATH            = var.tfvars_path
      PROMOTION_TOKEN_SECRET = local.promotion_token_name
    }
    rollout = merge(local.repository_urls, {
      KMS_KEY_ARN  = aws_kms_key.enclave_dek.arn # refuses to start an image that its policy does not let in
      CLUSTER_NAME = local.cluster_name
      NAMESPACE    = local.namespace
    })
  }
}

# --- source ---

# Begins as PENDING: a person completes it in the console, which is where the provider is asked.
resource "aws_codeconnections_connection" "source" {
  count = var.connection_arn == null ? 1 : 0

  name          = local.name
  provider_type = var.source_provider
}

# Opens pull requests. Its value is stored by a person, as a token that can do that and nothing else.
resource "aws_secretsmanager_secret" "promotion_token" {
  name                    = local.promotion_token_name
  description             = "Token that opens the pull requests of the promotion"
  kms_key_id              = aws_kms_key.data.arn
  recovery_window_in_days = 30
}

# --- the key that signs reports (DSSE) ---

locals {
  signing_alias = "alias/${local.name}-signing"
}

data "aws_iam_policy_document" "signing" {
  source_policy_documents = [data.aws_iam_policy_document.key_administration.json]

  statement {
    sid       = "SignReports"
    actions   = ["kms:Sign"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.role_arns.compare]
    }
    condition {
      test     = "StringEquals"
      variable = "kms:SigningAlgorithm"
      values   = ["ECDSA_SHA_256"]
    }
  }

  statement {
    sid       = "CheckReports"
    actions   = ["kms:GetPublicKey", "kms:Verify", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.root_arn] # with an identity policy, anyone of this account may check
    }
  }

  statement {
    sid       = "DenySigningByOthers"
    effect    = "Deny"
    actions   = ["kms:Sign"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = [local.role_arns.compare]
    }
  }

  statement {
    sid       = "DenyGrants"
    effect    = "Deny"
    actions   = ["kms:CreateGrant"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

# KMS rotates no asymmetric keys: a new one is a new alias target, and old reports name their key.
resource "aws_kms_key" "signing" {
  description              = "${local.name}: signatures of build reports"
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  policy                   = data.aws_iam_policy_document.signing.json
  deletion_window_in_days  = 30

  depends_on = [aws_iam_role.project]
}

resource "aws_kms_alias" "signing" {
  name          = local.signing_alias
  target_key_id = aws_kms_key.signing.key_id
}

# --- projects ---

resource "aws_security_group" "builds" {
  name        = "${local.name}-builds"
  description = "Builds reach out and are not reached"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-builds" }
}

resource "aws_vpc_security_group_egress_rule" "builds" {
  security_group_id = aws_security_group.builds.id
  description       = "TLS to registries, GitHub and AWS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# The roll-out speaks to the private endpoint of the cluster.
resource "aws_vpc_security_group_ingress_rule" "cluster_from_builds" {
  security_group_id            = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  referenced_security_group_id = aws_security_group.builds.id
  description                  = "Roll-out"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

# What the group may do is in deploy/: restart the DaemonSet and watch it.
resource "aws_eks_access_entry" "rollout" {
  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = aws_iam_role.project["rollout"].arn
  kubernetes_groups = ["driftseal:rollout"]
}

resource "aws_cloudwatch_log_group" "project" {
  for_each = local.project_logs

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_codebuild_project" "this" {
  for_each = local.projects

  name           = local.project_names[each.key]
  description    = "Stage ${each.key} of ${local.name}"
  service_role   = aws_iam_role.project[each.key].arn
  build_timeout  = each.value.minutes
  encryption_key = aws_kms_key.data.arn

  source {
    type      = "CODEPIPELINE"
    buildspec = each.value.buildspec
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type                        = "LINUX_CONTAINER"
    compute_type                = each.value.docker ? "BUILD_GENERAL1_MEDIUM" : "BUILD_GENERAL1_SMALL"
    image                       = var.build_image
    image_pull_credentials_type = startswith(var.build_image, "aws/codebuild/") ? "CODEBUILD" : "SERVICE_ROLE"
    privileged_mode             = each.value.docker # images are built by a Docker daemon of the build's own

    dynamic "environment_variable" {
      for_each = merge(local.project_environment[each.key], {
        ENVIRONMENT      = var.environment
        ARTIFACTS_BUCKET = local.bucket_names.artifacts
      })
      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  vpc_config {
    vpc_id             = aws_vpc.this.id
    subnets            = [for zone in sort(keys(local.private_cidrs)) : aws_subnet.private[zone].id]
    security_group_ids = [aws_security_group.builds.id]
  }

  logs_config {
    cloudwatch_logs {
      group_name = local.project_logs[each.key]
    }
  }

  depends_on = [aws_iam_role_policy.project, aws_cloudwatch_log_group.project]
}

# --- pipeline ---

locals {
  run_variables = [
    { name = "EXECUTION_ID", value = "#{codepipeline.PipelineExecutionId}", type = "PLAINTEXT" },
    { name = "COMMIT", value = "#{Source.CommitId}", type = "PLAINTEXT" },
  ]
  measured_variables = [
    { name = "PCR0", value = "#{Compare.PCR0}", type = "PLAINTEXT" },
  ]
}

resource "aws_codepipeline" "this" {
  name           = local.pipeline_name
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = "QUEUED" # no run overtakes or replaces one that waits for a person

  artifact_store {
    type     = "S3"
    location = local.bucket_names.artifacts
    encryption_key {
      type = "KMS"
      id   = aws_kms_key.data.arn
    }
  }

  stage {
    name = "Source"
    action {
      name             = "Source"
      namespace        = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source"]
      configuration = {
        ConnectionArn        = local.connection_arn
        FullRepositoryId     = var.source_repository
        BranchName           = var.source_branch
        OutputArtifactFormat = "CODEBUILD_CLONE_REF" # with history: the report shows what changed since the live image
        DetectChanges        = "true"
      }
    }
  }

  stage {
    name = "Build"
    dynamic "action" {
      for_each = { Build = "build", Rebuild = "rebuild" }
      content {
        name             = action.key
        namespace        = action.key
        category         = "Build"
        owner            = "AWS"
        provider         = "CodeBuild"
        version          = "1"
        run_order        = 1
        input_artifacts  = ["source"]
        output_artifacts = [action.value]
        configuration = {
          ProjectName          = local.project_names[action.value]
          EnvironmentVariables = jsonencode(local.run_variables)
        }
      }
    }
  }

  # Fails when the two measured differently; else writes and signs the report.
  stage {
    name = "Compare"
    action {
      name             = "Compare"
      namespace        = "Compare"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["source", "build", "rebuild"]
      output_artifacts = ["report"]
      configuration = {
        ProjectName          = local.project_names.compare
        PrimarySource        = "source"
        EnvironmentVariables = jsonencode(local.run_variables)
      }
    }
  }

  stage {
    name = local.approve_stage
    action {
      name     = local.review_action
      category = "Approval"
      owner    = "AWS"
      provider = "Manual"
      version  = "1"
      configuration = {
        NotificationArn    = local.topic_arn
        CustomData         = "PCR0 #{Compare.PCR0} of commit #{Source.CommitId}, the same in both builds. Measure it yourself and approve with: driftseal gate approve"
        ExternalEntityLink = "https://${local.console_host}/s3/object/${local.bucket_names.artifacts}?region=${local.region}&prefix=${local.report_prefix}/build-summary.md"
      }
    }
  }

  stage {
    name = "Promote"
    action {
      name            = "ProposeAllowing"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["source", "report"]
      configuration = {
        ProjectName          = local.project_names.promote
        PrimarySource        = "source"
        EnvironmentVariables = jsonencode(concat(local.run_variables, local.measured_variables, [{ name = "CHANGE", value = "allow", type = "PLAINTEXT" }]))
      }
    }
  }

  # The pull request is merged and applied outside, by an administrator of the keys; who did it says so here.
  stage {
    name = "RollOut"
    action {
      name      = "ConfirmApplied"
      category  = "Approval"
      owner     = "AWS"
      provider  = "Manual"
      version   = "1"
      run_order = 1
      configuration = {
        NotificationArn = local.topic_arn
        CustomData      = "Merge and apply the pull request that allows PCR0 #{Compare.PCR0}, then confirm. The roll-out checks the key's policy itself."
      }
    }
    action {
      name            = "RollOut"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      run_order       = 2
      input_artifacts = ["source", "report"]
      # Which node proved which image: nothing is retired that one still runs.
      output_artifacts = ["rollout"]
      configuration = {
        ProjectName          = local.project_names.rollout
        PrimarySource        = "source"
        EnvironmentVariables = jsonencode(concat(local.run_variables, local.measured_variables))
      }
    }
  }

  stage {
    name = "Retire"
    action {
      name            = "ProposeRetiring"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["source", "report", "rollout"]
      configuration = {
        ProjectName          = local.project_names.promote
        PrimarySource        = "source"
        EnvironmentVariables = jsonencode(concat(local.run_variables, local.measured_variables, [{ name = "CHANGE", value = "retire", type = "PLAINTEXT" }]))
      }
    }
  }

  depends_on = [aws_iam_role_policy.pipeline, aws_iam_role_policy.connection]
}
