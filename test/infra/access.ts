import type { Case } from './cases.ts'
import type { Policies, Request } from './iam/evaluate.ts'
import type { Policy } from './iam/policy.ts'
import type { Fields, Rendering, Resources } from './rendering.ts'

/** The request of a case, and every policy of the plan that has a say in it. */
export function asked(rendering: Rendering, { run = 'open', ...one }: Case): readonly [Request, Policies] {
  const resources = rendering[run]
  const { who, action, what, context = {}, through } = one
  const policies: Policies = {
    identity: [...attachedTo(resources, who.principal), ...(who.attached ?? [])],
    ...(what.policy === undefined ? {} : { resource: policyAt(resources, what.policy) }),
    isResourceDecisive: what.isDecisive ?? false,
    limits: through === undefined ? [] : [policyAt(resources, through)],
  }
  return [{ principal: who.principal, action, resource: what.arn, context }, policies]
}

/** The inline policies of a role. What AWS's own managed policies allow besides is beside the point of every Deny. */
function attachedTo(resources: Resources, principal: string): readonly Policy[] {
  const role = principal.split('/').at(-1)
  return Object.entries(resources).flatMap(([address, fields]) =>
    address.startsWith('aws_iam_role_policy.') && fields['role'] === role ? [policyIn(fields)] : [],
  )
}

function policyAt(resources: Resources, address: string): Policy {
  const fields = resources[address]
  if (fields === undefined) throw new Error(`the plan has no ${address}`)
  return policyIn(fields)
}

/** A role's policy in this sense is its trust. The rest of the plan is Terraform's, which checked what it rendered. */
const policyIn = (fields: Fields): Policy => (fields['policy'] ?? fields['assume_role_policy']) as Policy
