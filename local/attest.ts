import { attestEndpoint, type Attested } from '../deploy/endpoint.ts'

/** Asks whoever answers at a port of this machine to prove that it is the enclave of this image and configuration. */
export const attestIngress = (
  port: number,
  { pcr0, ...expected }: { readonly root: Uint8Array; readonly pcr0: string; readonly config: Uint8Array },
): Promise<Attested> => attestEndpoint(new URL(`https://127.0.0.1:${port}`), { ...expected, pcr0: [pcr0] })
