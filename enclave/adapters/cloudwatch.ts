import { CloudWatchClient, PutMetricDataCommand, type MetricDatum } from '@aws-sdk/client-cloudwatch'
import type { Report } from '../metrics.ts'
import { clientSettings, type AwsAccess } from './aws.ts'

const NAMESPACE = 'DriftSeal'
/** CloudWatch's own limit for the values of one datum. */
const MAX_VALUES = 150
/** And for the data of one request, which 1 MB must hold. */
const MAX_DATA = 200

/** Puts a report where alarms watch for it, and for its absence. */
export function openCloudWatch(access: AwsAccess, environment: string): (report: Report, at: number) => Promise<void> {
  const client = new CloudWatchClient(clientSettings(access))
  const Dimensions = [{ Name: 'Environment', Value: environment }]
  return async ({ counts, latenciesMs }, at) => {
    const Timestamp = new Date(at)
    const data: MetricDatum[] = Object.entries(counts).map(([MetricName, Value]) => {
      return { MetricName, Dimensions, Timestamp, Value, Unit: 'Count' }
    })
    // Single values and no statistic set, of which CloudWatch could tell no percentile.
    for (let from = 0; from < latenciesMs.length; from += MAX_VALUES) {
      const Values = latenciesMs.slice(from, from + MAX_VALUES)
      data.push({ MetricName: 'EventToAlertLatency', Dimensions, Timestamp, Values, Unit: 'Milliseconds' })
    }
    for (let from = 0; from < data.length; from += MAX_DATA)
      await client.send(
        new PutMetricDataCommand({ Namespace: NAMESPACE, MetricData: data.slice(from, from + MAX_DATA) }),
      )
  }
}
