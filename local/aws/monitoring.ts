import type { RequestListener } from 'node:http'
import * as v from 'valibot'
import { jsonService, operation } from './protocol.ts'

/** The newest that are kept. */
const MAX_DATA = 10_000
const NAME = v.pipe(v.string(), v.minLength(1), v.maxLength(255))
const VALUES = v.pipe(v.array(v.number()), v.minLength(1), v.maxLength(150))

const datum = v.pipe(
  v.object({
    MetricName: NAME,
    Dimensions: v.optional(v.pipe(v.array(v.object({ Name: NAME, Value: NAME })), v.maxLength(30)), []),
    Value: v.optional(v.number()),
    Values: v.optional(VALUES),
  }),
  v.check(({ Value, Values }) => (Value === undefined) !== (Values === undefined), 'Value or Values'),
)
const input = v.object({ Namespace: NAME, MetricData: v.pipe(v.array(datum), v.minLength(1), v.maxLength(1000)) })

export type Datum = v.InferOutput<typeof datum> & { readonly Namespace: string }

/** CloudWatch, as far as it takes metrics. */
export function createMonitoring(): { readonly service: RequestListener; readonly data: readonly Datum[] } {
  const data: Datum[] = []
  const operations = new Map([
    [
      'PutMetricData',
      operation(input, ({ Namespace, MetricData }) => {
        data.push(...MetricData.map((each) => ({ ...each, Namespace })))
        data.splice(0, data.length - MAX_DATA)
        return {}
      }),
    ],
  ])
  return { service: jsonService('GraniteServiceVersion20100801', operations), data }
}
