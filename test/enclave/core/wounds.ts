import * as fc from 'fast-check'

/** Bytes that mean something in JSON, and some that never may stand there. */
export const tellingByte = fc.constantFrom(
  ...Buffer.from(String.raw`{}[]",:\ 0-1.eEtfnu/+`),
  0x00,
  0x0a,
  0x1f,
  0x80,
  0xc3,
  0xff,
)

/** The same bytes with up to three places cut out, exchanged or added. */
export const wounded = (whole: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> => {
  const wound = fc.record({ at: fc.nat(), cut: fc.nat(2), put: fc.array(tellingByte, { maxLength: 1 }) })
  return fc.tuple(whole, fc.array(wound, { maxLength: 3 })).map(([bytes, wounds]) =>
    wounds.reduce((left, { at, cut, put }) => {
      const place = at % (left.length + 1)
      return Buffer.concat([left.subarray(0, place), Buffer.from(put), left.subarray(place + cut)])
    }, bytes),
  )
}
