import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Secret } from '../../enclave/sealing/types.ts'

/** A key pair as KMS makes it: the private key is PKCS#8 in DER. */
export const generateIdentityKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

export const unwrapped = (key: KeyObject): Secret =>
  new Secret(new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })))
