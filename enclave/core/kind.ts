/** How an attribute's values compare; what the provider's schema and the service's habits come down to. */
export const KINDS = [
  'string',
  'bool',
  /** `30` and `"30"` are one, and so are 0 and nothing: the provider does not tell them apart. */
  'number',
  /** A number that the provider keeps as text: `100` and `100.0` are one. */
  'number_text',
  /** A flag that the provider keeps as text: `false` and nothing are one. */
  'flag_text',
  /** A word for whether something is on: `Disabled`, `off`, in any case, and nothing are one. */
  'switch',
  /** A kind of storage that a service does not tell where it is the standard one, under the name that it has for that. */
  'storage_type',
  /** How many there have to be at least: 1 and nothing are one. */
  'minimum',
  /** A map of strings; each key is a path of its own. */
  'map',
  /** A map whose effective content is `tags_all`. */
  'tags',
  /** Blocks or values in order. */
  'list',
  /** Blocks or values without order. */
  'set',
  /** An IAM policy document, compared by meaning. */
  'policy',
  /** A JSON document: white space and the order of keys do not count. */
  'json',
  /** A JSON document in which the order of arrays means nothing either. */
  'unordered_json',
  /** A JSON document in which `5` and `"5"` are one: SQS takes either, and answers with the number. */
  'loose_json',
  /** The containers of an ECS task, with what ECS fills in. */
  'containers',
  /** What a load balancer's listener does with requests, with what Elastic Load Balancing fills in. */
  'actions',
  /** What a trail records: as it does by itself, whether that is said or not. */
  'event_selectors',
  /** Policies in order, of which `Default` alone is as good as none. */
  'termination_policies',
  /** Text of which AWS does not look at the case. */
  'any_case',
  /** A name in the DNS: neither case nor the dot at its end count. */
  'dns_name',
  /** A set of them. */
  'dns_names',
  /** A security group by its id: with the account that owns it, where that is another one, or without. */
  'security_group',
  /** An address or a network, IPv4 or IPv6, in any of its spellings. */
  'cidr',
  /** A set of them. */
  'cidrs',
  /** An IP protocol by name or number. */
  'protocol',
  /** A moment: RFC 3339, or as CloudTrail writes it in answers. */
  'time',
  /** A time zone by name: UTC by either of its names, or where none is said. */
  'time_zone',
  /** An ARN, or the id or name that it ends with. */
  'arn_or_name',
  /** A KMS key by id, ARN or alias. Whether an alias leads to a key no record tells: that is suspected. */
  'kms_key',
  /** A version, or the beginning of it that the provider is content with: `5.7` for `5.7.44`. */
  'version',
  /** The rules inside a security group, each a permission of its own: security_groups.ts. */
  'permissions',
] as const

export type AttributeKind = (typeof KINDS)[number]
