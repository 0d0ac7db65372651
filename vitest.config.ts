import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    pool: 'forks',
    // Vitest would leave one core idle, of two.
    maxWorkers: '100%',
    // Many tests start the real program, some of them several times: a busy machine must not fail them. What hangs still ends.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Short programs would spend most of their time on compiling the same again.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/hostile/**', 'test/corpus/**', 'test/guest/**', 'test/infra/**'],
          // No test mocks a module or sets what is global. A process for each file would load the project and compile
          // the catalog anew, which takes longer than most files' tests.
          isolate: false,
        },
      },
      // The whole enclave, with what is around it: each file in a process of its own.
      { extends: true, test: { name: 'e2e', include: ['test/{e2e,hostile}/**/*.test.ts'] } },
      // AF_VSOCK in a machine of its own, under QEMU.
      { extends: true, test: { name: 'guest', include: ['test/guest/*.test.ts'] } },
      // What Terraform, where it is installed, makes of infra/. Each process of it brings one of the provider, of 400 MB.
      {
        extends: true,
        test: { name: 'infra', include: ['test/infra/**/*.test.ts'], maxConcurrency: 2 },
      },
      // Real inputs that the project does not carry; see test/corpus/data.ts.
      { extends: true, test: { name: 'corpus', include: ['test/corpus/**/*.test.ts'] } },
    ],
  },
})
