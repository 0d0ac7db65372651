import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { GateError } from '../../../deploy/gate/error.ts'
import { changesBetween, gitIn, tagOf, treeAt } from '../../../deploy/gate/git.ts'
import { allowing, push, retiring } from '../../../deploy/gate/proposal.ts'
import { comparePage, openPullRequest, pushCredentials } from '../../../deploy/gate/pull_request.ts'
import { createRepository } from './repository.ts'
import { LIVE, NEW, summaryOf } from './reports.ts'

const FILE = 'infra/release.auto.tfvars.json'
const edits = new Map([[FILE, (text: string) => text.replace('old', 'new')]])
const proposal = allowing(summaryOf(), edits)

describe('Git', () => {
  it('tells what a way between commits brought', async () => {
    const repository = createRepository()
    const first = repository.commit({ 'a b': '1', gone: '1', 'rules/x.yaml': '1' }, 'First')
    const second = repository.commit({ 'a b': '2', 'rules/y.yaml': '2' }, 'Second: with a subject')
    const git = gitIn(repository.folder)
    expect(await changesBetween(git, first, second)).toEqual({
      commits: [{ id: second, subject: 'Second: with a subject' }],
      files: [
        { status: 'M', path: 'a b' },
        { status: 'A', path: 'rules/y.yaml' },
      ],
    })
    expect(await treeAt(git, second, 'rules')).toEqual(
      new Map([
        ['rules/x.yaml', '1'],
        ['rules/y.yaml', '2'],
      ]),
    )
  })

  it('says what failed', async () => {
    const { folder } = createRepository()
    await expect(gitIn(folder).run('show', 'none')).rejects.toThrow(/^git show failed: fatal: /)
  })

  it('believes a tag’s signature by whom the live commit trusts', async () => {
    const repository = createRepository()
    const key = join(repository.folder, '../key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    const signers = `somebody@example.com ${readFileSync(`${key}.pub`, 'utf8')}`
    const before = repository.commit({ a: '1' }, 'Without signers')
    const live = repository.commit({ '.allowed_signers': signers }, 'With signers')
    const commit = repository.commit({ a: '2', '.allowed_signers': 'nobody' }, 'Next')
    const git = gitIn(repository.folder)
    expect(await tagOf(git, commit, live)).toBeNull()
    repository.git('tag', 'v1', commit)
    expect(await tagOf(git, commit, live)).toEqual({ name: 'v1', verified: false })
    repository.git('tag', '--delete', 'v1')
    repository.git(
      '-c',
      'gpg.format=ssh',
      '-c',
      `user.signingkey=${key}`,
      'tag',
      '--sign',
      '--message',
      'v2',
      'v2',
      commit,
    )
    expect(await tagOf(git, commit, live)).toEqual({ name: 'v2', verified: true })
    for (const trusted of [before, commit, undefined])
      expect(await tagOf(git, commit, trusted)).toEqual({ name: 'v2', verified: false })
  })
})

describe('a proposal', () => {
  it('is a commit on a branch of its own, with the measurement in its message', async () => {
    const repository = createRepository()
    const base = repository.commit({ [FILE]: 'old', other: '1' }, 'First')
    writeFileSync(join(repository.folder, 'other'), 'being worked on')
    const git = gitIn(repository.folder)
    expect(await push(git, 'origin', 'main', proposal)).toBe(true)

    const there = gitIn(repository.remote)
    expect(await treeAt(there, proposal.branch, '.')).toEqual(
      new Map([
        [FILE, 'new'],
        ['other', '1'],
      ]),
    )
    expect((await changesBetween(there, base, proposal.branch)).commits).toEqual([
      { id: expect.any(String), subject: proposal.title },
    ])
    const trailers = await there.run('log', '-1', '--format=%(trailers)', proposal.branch)
    const { builder, source, measurement } = summaryOf()
    expect(trailers.trim().split('\n')).toEqual([
      `PCR0: ${NEW}`,
      `PCR1: ${measurement.pcr1}`,
      `PCR2: ${measurement.pcr2}`,
      `Report: builds/${builder.execution}/${source.commit}`,
    ])
    // Whoever ran it has his work tree as it was.
    expect(readFileSync(join(repository.folder, 'other'), 'utf8')).toBe('being worked on')
    expect(repository.git('worktree', 'list').trim().split('\n')).toHaveLength(1)
    expect(await push(git, 'origin', 'main', proposal)).toBe(true) // once more, over the first
  })

  it('of nothing is none', async () => {
    const repository = createRepository()
    repository.commit({ [FILE]: 'new' }, 'First')
    expect(await push(gitIn(repository.folder), 'origin', 'main', proposal)).toBe(false)
    expect(repository.git('ls-remote', 'origin')).not.toContain('driftseal/')
  })

  it('of a file that is not there says so, and leaves nothing behind', async () => {
    const repository = createRepository()
    repository.commit({ a: '1' }, 'First')
    await expect(push(gitIn(repository.folder), 'origin', 'main', proposal)).rejects.toThrow(/is not in the repository/)
    expect(repository.git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  })

  it('to retire has a branch of its own', () => {
    expect(retiring(summaryOf(), edits).branch).not.toBe(proposal.branch)
  })
})

describe('a pull request', () => {
  /** GitHub, answering in this order. */
  async function answering(...answers: readonly (readonly [status: number, body: unknown])[]) {
    const calls: { method: string; url: string; token: string; body: unknown }[] = []
    const server = createServer((request: IncomingMessage, response) => {
      void (async () => {
        const body = request.method === 'POST' ? await json(request) : undefined
        const { method = '', url = '', headers } = request
        calls.push({ method, url, token: headers.authorization ?? '', body })
        const [status, answer] = answers[calls.length - 1] ?? [500, {}]
        response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
      })()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo // it listens on TCP
    const repository = { api: `http://127.0.0.1:${port}`, name: 'example/driftseal', token: 'example-token' }
    return { calls, open: () => openPullRequest(repository, 'main', proposal) }
  }
  const page = { html_url: 'https://github.com/example/driftseal/pull/7' }

  it('is opened', async () => {
    const { calls, open } = await answering([201, page])
    expect(await open()).toBe(page.html_url)
    const { branch: head, title, body } = proposal
    expect(calls).toEqual([
      {
        method: 'POST',
        url: '/repos/example/driftseal/pulls',
        token: 'Bearer example-token',
        body: { head, base: 'main', title, body },
      },
    ])
  })

  it('that is open already is found', async () => {
    const { calls, open } = await answering([422, { message: 'exists' }], [200, [page]])
    expect(await open()).toBe(page.html_url)
    expect(calls[1]?.url).toContain(`head=example%3A${encodeURIComponent(proposal.branch)}`)
  })

  test.each<[string, readonly (readonly [number, unknown])[]]>([
    ['a token that may not', [[403, { message: 'no' }]]],
    [
      'a branch that cannot be found',
      [
        [422, {}],
        [200, []],
      ],
    ],
    ['no JSON', [[201, '<html>']]],
  ])('%s is told', async (_, answers) => {
    const { open } = await answering(...answers)
    await expect(open()).rejects.toEqual(expect.objectContaining({ code: 'ERR_GATE_PULL_REQUEST' }))
  })

  it('without a token is a page for a person', () => {
    expect(comparePage('example/driftseal', 'main', proposal)).toBe(
      `https://github.com/example/driftseal/compare/main...${proposal.branch}?expand=1`,
    )
  })

  it('is pushed with a token that Git takes from its environment, for GitHub alone', async () => {
    const git = gitIn(createRepository().folder, pushCredentials('example-token'))
    const asked = async (url: string) => git.run('config', '--get-urlmatch', 'http.extraheader', url)
    expect((await asked('https://github.com/example/driftseal.git')).trim()).toBe(
      `Authorization: Basic ${Buffer.from('x-access-token:example-token').toString('base64')}`,
    )
    await expect(asked('https://example.com/driftseal.git')).rejects.toBeInstanceOf(GateError)
  })
})

describe('find_live.sh', () => {
  const script = new URL('../../../deploy/gate/find_live.sh', import.meta.url).pathname
  const reportAt = `builds/${summaryOf().builder.execution}/${summaryOf().source.commit}`

  /** Runs it in a repository whose last commit has this message, with an `aws` that copies from `bucket/`. */
  function find(
    allowed: readonly string[],
    message: readonly string[],
    stored: string,
  ): { status: number; found?: string } {
    const repository = createRepository()
    repository.commit({ a: '1' }, ...message)
    const root = join(repository.folder, '..')
    const object = join(root, 'bucket', reportAt, 'build-summary.json')
    mkdirSync(join(object, '..'), { recursive: true })
    writeFileSync(object, JSON.stringify({ measurement: { pcr0: stored } }))
    mkdirSync(join(root, 'bin'))
    writeFileSync(join(root, 'bin/aws'), '#!/bin/sh\nexec cp "$ROOT/${3#s3://}" "$4"\n', { mode: 0o755 })
    const env = {
      ROOT: root,
      PATH: `${root}/bin:${process.env['PATH']}`,
      ALLOW_LIST: JSON.stringify(allowed),
      ARTIFACTS_BUCKET: 'bucket',
    }
    try {
      execFileSync('bash', [script, join(root, 'live.json')], { cwd: repository.folder, env, stdio: 'pipe' })
      return { status: 0, found: readFileSync(join(root, 'live.json'), 'utf8') }
    } catch (error) {
      const { status } = error as { status?: number }
      return { status: status ?? 0 }
    }
  }
  const message = ['Let production run it', `PCR0: ${LIVE}\nReport: ${reportAt}`]

  it('finds the report of what was allowed last', () => {
    expect(find([NEW, LIVE], message, LIVE)).toEqual({
      status: 0,
      found: JSON.stringify({ measurement: { pcr0: LIVE } }),
    })
  })

  it('finds none where nothing is allowed, or no commit says where', () => {
    expect(find([], message, LIVE)).toEqual({ status: 0 })
    expect(find([NEW], message, LIVE)).toEqual({ status: 0 })
    expect(find([LIVE], ['x', `PCR0: ${LIVE}\nReport: ../../elsewhere`], LIVE)).toEqual({ status: 0 })
  })

  it('does not take a commit’s word: the report must be of the live image', () => {
    expect(find([LIVE], message, NEW)).toEqual({ status: 1 })
  })
})
