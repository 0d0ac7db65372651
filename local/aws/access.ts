/** What an access key may do, by IAM's names; a `*` at the end stands for any rest. */
export interface Grant {
  readonly actions: readonly string[]
  /** Of a session: the token that its holder shows, and its end. */
  readonly session?: { readonly token: string; readonly expires: Date }
}

/** Answers whether a request may do what it asks for. */
export type Access = (
  accessKeyId: string,
  token: string | string[] | undefined,
  action: string,
) => 'allowed' | 'denied' | 'unknown' | 'expired'

/** IAM, as one table of access keys. Nobody may do what is not in it. */
export function createAccess(now: () => Date): {
  readonly access: Access
  readonly grant: (accessKeyId: string, grant: Grant) => void
} {
  const grants = new Map<string, Grant>()
  return {
    access(accessKeyId, token, action) {
      const grant = grants.get(accessKeyId)
      if (grant === undefined || (grant.session !== undefined && grant.session.token !== token)) return 'unknown'
      if (grant.session !== undefined && grant.session.expires <= now()) return 'expired'
      return grant.actions.some((pattern) => matches(pattern, action)) ? 'allowed' : 'denied'
    },
    grant(accessKeyId, grant) {
      grants.set(accessKeyId, grant)
    },
  }
}

const matches = (pattern: string, action: string): boolean =>
  pattern.endsWith('*') ? action.startsWith(pattern.slice(0, -1)) : pattern === action
