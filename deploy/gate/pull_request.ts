import * as v from 'valibot'
import { GateError } from './error.ts'
import type { Proposal } from './proposal.ts'

/** A repository on GitHub, and the token of whoever may open pull requests there. */
export interface Repository {
  /** `https://api.github.com`. */
  readonly api: string
  /** `owner/name`. */
  readonly name: string
  readonly token: string
}

const TIMEOUT_MS = 30_000
const CREATED = 201
/** Also the answer where the branch has a pull request already. */
const UNPROCESSABLE = 422

const pullRequest = v.object({ html_url: v.string() })

/** Opens a pull request for a branch that was pushed, or finds the one that is open. Answers its address. */
export async function openPullRequest(repository: Repository, base: string, proposal: Proposal): Promise<string> {
  const { branch: head, title, body } = proposal
  const made = await call(repository, 'pulls', { method: 'POST', body: JSON.stringify({ head, base, title, body }) })
  if (made.status === CREATED) return v.parse(pullRequest, made.body).html_url
  if (made.status === UNPROCESSABLE) {
    const [owner = ''] = repository.name.split('/')
    const open = await call(
      repository,
      `pulls?${new URLSearchParams({ head: `${owner}:${head}`, base }).toString()}`,
      {},
    )
    const found = v.safeParse(v.array(pullRequest), open.body)
    const [first] = found.success ? found.output : []
    if (first !== undefined) return first.html_url
  }
  throw new GateError('ERR_GATE_PULL_REQUEST', `GitHub answered ${made.status}: may the token open pull requests here?`)
}

/** Where a person opens the pull request, where there is no token to do it with. */
export const comparePage = (repository: string, base: string, { branch }: Proposal): string =>
  `https://github.com/${repository}/compare/${base}...${branch}?expand=1`

/** What Git is given so that it pushes with the token, which no command line and no file then has. */
export const pushCredentials = (token: string): Readonly<Record<string, string>> => ({
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'http.https://github.com/.extraheader',
  GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`,
})

async function call(
  { api, name, token }: Repository,
  path: string,
  init: RequestInit,
): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' }
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(`${api}/repos/${name}/${path}`, { ...init, headers, signal })
    return { status: response.status, body: await response.json() }
  } catch (error) {
    throw new GateError('ERR_GATE_PULL_REQUEST', 'GitHub gave no answer that can be read; the branch is pushed', error)
  }
}
