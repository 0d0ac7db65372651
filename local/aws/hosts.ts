const SERVICES = ['kms', 'secretsmanager', 'sqs', 's3', 'rolesanywhere', 'monitoring'] as const
export type ServiceName = (typeof SERVICES)[number]

/** The host names that the services of a region answer to. */
export const hostsOf = (region: string): [string, ...string[]] => [
  `*.${hostOf('s3', region)}`,
  ...SERVICES.map((service) => hostOf(service, region)),
]

export const hostOf = (service: ServiceName, region: string): string => `${service}.${region}.amazonaws.com`

/** The service that a host name leads to. */
export function serviceAt(host: string, region: string): ServiceName | undefined {
  // Virtual-hosted buckets: the bucket's name is the first label.
  if (host.endsWith(`.${hostOf('s3', region)}`)) return 's3'
  return SERVICES.find((service) => host === hostOf(service, region))
}
