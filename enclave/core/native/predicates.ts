import type { Json } from '../json.ts'
import type { Subject } from '../rule.ts'
import { isAdminPolicy, isPublicPolicy, isWider, trustsMore } from './grants.ts'
import { portsOf, worldsIn, type PortRange } from './network.ts'
import { numberOf } from './operators.ts'
import { changesAt, isSameValue, isUnset, textOf, valuesAt, type Pair } from './values.ts'

/** Whether a change of one attribute has the predicate's meaning. The old value of what was just created is null. */
type Became = (pair: Pair) => boolean

/** A change with a name: docs/rules.md publishes what each means. */
export interface Predicate {
  /** Attributes that have this meaning, wherever they occur; a rule's `attribute` takes their place. */
  readonly attributes: Readonly<Record<string, Became>>
  /** What is meant of an attribute that is not in the table; without it, the table's attributes are all there are. */
  readonly otherwise?: Became
  /** Types whose deletion is the same thing. */
  readonly deletions?: readonly string[]
}

/** It is so now and was not before; a resource that was created so has become so. */
const turned =
  (isBad: (value: Json) => boolean): Became =>
  ({ old, now }) =>
    isBad(now) && (isUnset(old) || !isBad(old))

const on = turned((value) => isSameValue(value, true))
const off = turned((value) => isSameValue(value, false))
const cleared: Became = ({ old, now }) => !isUnset(old) && isUnset(now)
const emptied: Became = ({ old, now }) => !isEmpty(old) && isEmpty(now)
const shrunk: Became = ({ old, now }) => Array.isArray(old) && old.some((member: Json) => !has(now, member))
const is = (...values: readonly string[]): Became => turned((value) => values.some((bad) => has(value, bad)))
const lowered: Became = ({ old, now }) => {
  const [before, after] = [numberOf(old), numberOf(now)]
  return before !== undefined && after !== undefined && after < before
}
/** Zero is for ever. */
const shortened: Became = (pair) =>
  numberOf(pair.old) === 0 ? (numberOf(pair.now) ?? 0) > 0 : lowered(pair) && numberOf(pair.now) !== 0
const opened: Became = ({ old, now }) => {
  const known = new Set(worldsIn(old).map(({ text }) => text))
  return worldsIn(now).some(({ text }) => !known.has(text))
}

const has = (value: Json, wanted: Json): boolean =>
  Array.isArray(value) ? value.some((member: Json) => isSameValue(member, wanted)) : isSameValue(value, wanted)
const isEmpty = (value: Json): boolean => isUnset(value) || (Array.isArray(value) && value.length === 0)

const publicPolicy = turned(isPublicPolicy)
const adminPolicy = turned(isAdminPolicy)
const wider: Became = ({ old, now }) => isWider(old, now)
const moreTrust: Became = ({ old, now }) => trustsMore(old, now)

export const PREDICATES = {
  became_public: {
    attributes: {
      policy: publicPolicy,
      access_policy: publicPolicy,
      access_policies: publicPolicy,
      resource_policy: publicPolicy,
      acl: is('public-read', 'public-read-write', 'authenticated-read'),
      publicly_accessible: on,
      map_public_ip_on_launch: on,
      associate_public_ip_address: on,
      block_public_acls: off,
      block_public_policy: off,
      ignore_public_acls: off,
      restrict_public_buckets: off,
      internal: off,
      endpoint_public_access: on,
      'vpc_config.endpoint_public_access': on,
      principal: is('*'),
      authorization_type: is('NONE'),
      group: is('all'),
      account_id: is('all'),
      member: is('allUsers', 'allAuthenticatedUsers'),
      members: is('allUsers', 'allAuthenticatedUsers'),
      public_access_prevention: is('inherited'),
    },
    otherwise: (pair) => publicPolicy(pair) || is('*', 'all', 'allUsers', 'allAuthenticatedUsers')(pair) || on(pair),
    deletions: ['aws_s3_bucket_public_access_block', 'aws_s3_account_public_access_block'],
  },
  opened_to_world: {
    attributes: {
      ingress: opened,
      cidr_blocks: opened,
      ipv6_cidr_blocks: opened,
      cidr_ipv4: opened,
      cidr_ipv6: opened,
      cidr_block: opened,
      ipv6_cidr_block: opened,
      source_ranges: opened,
      public_access_cidrs: opened,
      'vpc_config.public_access_cidrs': opened,
    },
    otherwise: opened,
  },
  encryption_disabled: {
    attributes: {
      encrypted: off,
      storage_encrypted: off,
      at_rest_encryption_enabled: off,
      transit_encryption_enabled: off,
      sqs_managed_sse_enabled: off,
      'server_side_encryption.enabled': off,
      'encrypt_at_rest.enabled': off,
      'node_to_node_encryption.enabled': off,
      encryption_type: is('NONE'),
      kms_key_id: cleared,
      kms_key_arn: cleared,
      kms_key: cleared,
      kms_master_key_id: cleared,
      kms_key_name: cleared,
      'encryption.default_kms_key_name': cleared,
    },
    otherwise: (pair) => off(pair) || cleared(pair) || is('NONE')(pair),
    deletions: ['aws_s3_bucket_server_side_encryption_configuration'],
  },
  logging_disabled: {
    attributes: {
      enable: off,
      is_enabled: off,
      enable_logging: off,
      enable_log_file_validation: off,
      include_global_service_events: off,
      is_multi_region_trail: off,
      'access_logs.enabled': off,
      'logging_config.bucket': cleared,
      enable_flow_logs: off,
      cloud_watch_logs_group_arn: cleared,
      access_log_settings: emptied,
      logging: emptied,
      log_config: emptied,
      enabled_cluster_log_types: shrunk,
      enabled_cloudwatch_logs_exports: shrunk,
    },
    otherwise: (pair) => off(pair) || emptied(pair) || shrunk(pair),
    deletions: [
      'aws_cloudtrail',
      'aws_flow_log',
      'aws_cloudwatch_log_group',
      'aws_config_configuration_recorder',
      'aws_config_delivery_channel',
      'aws_guardduty_detector',
      'aws_securityhub_account',
      'aws_s3_bucket_logging',
      'google_logging_project_sink',
    ],
  },
  deletion_protection_disabled: {
    attributes: {
      deletion_protection: off,
      deletion_protection_enabled: off,
      enable_deletion_protection: off,
      disable_api_termination: off,
      disable_api_stop: off,
      termination_protection: off,
    },
    otherwise: off,
  },
  policy_widened: {
    attributes: {
      policy: wider,
      assume_role_policy: wider,
      access_policy: wider,
      access_policies: wider,
      resource_policy: wider,
      'inline_policy.policy': wider,
    },
    otherwise: wider,
  },
  trust_widened: {
    attributes: { assume_role_policy: moreTrust, policy: moreTrust, resource_policy: moreTrust },
    otherwise: moreTrust,
  },
  admin_granted: {
    attributes: {
      policy: adminPolicy,
      policy_arn: turned(
        (value) => typeof value === 'string' && /:policy\/(?:AdministratorAccess|IAMFullAccess)$/.test(value),
      ),
      role: is('roles/owner'),
    },
    otherwise: adminPolicy,
  },
  retention_lowered: {
    attributes: {
      retention_in_days: shortened,
      backup_retention_period: lowered,
      automated_snapshot_retention_period: lowered,
      snapshot_retention_limit: lowered,
      message_retention_seconds: lowered,
      retention_period: lowered,
      recovery_window_in_days: lowered,
      deletion_window_in_days: lowered,
      'point_in_time_recovery.recovery_period_in_days': lowered,
      'default_retention.days': lowered,
    },
    otherwise: lowered,
  },
  backup_disabled: {
    attributes: {
      'versioning_configuration.status': is('Suspended', 'Disabled'),
      'versioning.enabled': off,
      'point_in_time_recovery.enabled': off,
      'backup_policy.status': is('DISABLED', 'DISABLING'),
      backup_retention_period: turned((value) => numberOf(value) === 0),
      snapshot_retention_limit: turned((value) => numberOf(value) === 0),
      'settings.backup_configuration.enabled': off,
    },
    otherwise: (pair) => off(pair) || is('Suspended', 'DISABLED')(pair),
    deletions: ['aws_backup_plan', 'aws_backup_selection', 'aws_backup_vault'],
  },
  key_rotation_disabled: {
    attributes: { enable_key_rotation: off, rotation_enabled: off, rotation_period: cleared },
    otherwise: (pair) => off(pair) || cleared(pair),
    deletions: ['aws_secretsmanager_secret_rotation'],
  },
  imdsv1_allowed: {
    attributes: { 'metadata_options.http_tokens': is('optional') },
    otherwise: is('optional'),
  },
  tags_became_mutable: {
    attributes: { image_tag_mutability: turned((value) => textOf(value).startsWith('MUTABLE')) },
  },
  scanning_disabled: {
    attributes: { 'image_scanning_configuration.scan_on_push': off, scan_type: is('BASIC') },
    otherwise: off,
  },
} as const satisfies Readonly<Record<string, Predicate>>

export type PredicateName = keyof typeof PREDICATES

/** What a rule asks of a predicate. */
export interface Wanted {
  readonly attribute?: string
  /** Of `opened_to_world`: only where one of these ports is open. */
  readonly ports?: readonly PortRange[]
}

/** Compiles a named predicate. */
export function predicate(name: PredicateName, { attribute, ports }: Wanted): (subject: Subject) => boolean {
  const { attributes, otherwise, deletions = [] }: Predicate = PREDICATES[name]
  const named = attribute === undefined ? undefined : (attributes[attribute] ?? otherwise)
  const watched: readonly (readonly [string, Became])[] =
    attribute === undefined ? Object.entries(attributes) : named === undefined ? [] : [[attribute, named]]
  const isOpen = ports === undefined ? () => true : portsIn(ports)
  return (subject) => {
    const { finding } = subject
    if (finding.kind === 'deleted') return deletions.includes(finding.resource?.type ?? '')
    return watched.some(([path, became]) =>
      changesAt(finding, path).some((pair) => !pair.isUnseen && became(pair) && isOpen(pair, subject)),
    )
  }
}

/** Whether what a change opened includes a port; where the block does not say, the resource beside it does. */
const portsIn =
  (wanted: readonly PortRange[]) =>
  ({ old, now }: Pair, subject: Subject): boolean => {
    const known = new Set(worldsIn(old).map(({ text }) => text))
    const blocks = worldsIn(now).filter(({ text }) => !known.has(text))
    return blocks.some(({ block }) =>
      (portsOf(block) ?? portsBeside(subject)).some(({ from, to }) =>
        wanted.some((range) => from <= range.to && range.from <= to),
      ),
    )
  }

function portsBeside(subject: Subject): readonly PortRange[] {
  const one = (path: string): Json => valuesAt(subject, path)[0] ?? null
  const allowed = one('allow') ?? one('allowed')
  const beside = {
    protocol: one('protocol') ?? one('ip_protocol'),
    from_port: one('from_port'),
    to_port: one('to_port'),
  }
  return portsOf(allowed) ?? portsOf(beside) ?? []
}
