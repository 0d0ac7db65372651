import { format } from 'prettier'
import { expect, test } from 'vitest'
import { fieldsPage } from './fields_page.ts'

test('docs/falco-fields.md is current', async () => {
  const page = await format(fieldsPage(), { parser: 'markdown', printWidth: 120 })
  await expect(page).toMatchFileSnapshot('../../../../docs/falco-fields.md')
})
