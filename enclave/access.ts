import type { AwsAccess } from './adapters/aws.ts'
import { openRolesAnywhere } from './adapters/rolesanywhere.ts'
import { openAuthority, type Authority } from './authority.ts'
import type { Clock, Log } from './ports.ts'
import { keepSession } from './session.ts'
import { unwrap, type Unwrapping } from './unwrap.ts'

/** What an enclave without an identity leaves to its host, in words for the log. */
const UNPROTECTED = 'the host has the same credentials: it can read the states, and read and drain the queue'

/** Whom AWS takes the enclave for where it reads states and events. */
export interface Access {
  readonly aws: AwsAccess
  /** The CA behind it; none in host mode. */
  readonly authority: Authority | undefined
}

/**
 * Credentials that come through the parent are the parent's too, so they serve only to unwrap keys. Everything else the
 * enclave does under a role that it reaches with a certificate of its own. Without that in the configuration it runs in
 * host mode, for trying things out, and says so.
 */
export async function openAccess(
  bootstrap: AwsAccess,
  unwrapping: Unwrapping,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Access> {
  const { config, nsm } = unwrapping
  if (config.identity === undefined) {
    log('warn', 'identity.host-mode', { unprotected: UNPROTECTED })
    return { aws: bootstrap, authority: undefined }
  }
  const { region, agent } = bootstrap
  const { key } = await unwrap(unwrapping, config.identity.secret, 'identity')
  const authority = await openAuthority(key, { environment: config.environment, pcr0: await nsm.pcr(0) })
  const open = openRolesAnywhere({ region, agent, settings: config.identity, issue: authority.issue, clock })
  return { aws: { region, agent, credentials: keepSession(open, { clock, log }) }, authority }
}
