import { defineConfig } from 'vitest/config';

/**
 * What takes long, and whose mechanism has quicker tests beside it: odd surroundings of whole processes, every fault at
 * every call, other projects' own tests. `npm run test:all` and continuous integration run them too.
 */
const LONG = [
  'test/contract/box-emulator/node-sdk-own-tests.test.ts',
  'test/contract/box-emulator/scale.test.ts',
  'test/contract/remote-store/emulator-endurance.test.ts',
  'test/contract/remote-store/emulator-faults.test.ts',
  'test/contract/tracking/mlflow-server.test.ts',
  'test/e2e/administrator.test.ts',
  'test/e2e/box-key.test.ts',
  'test/e2e/document-commands.test.ts',
  'test/e2e/examples.test.ts',
  'test/e2e/live-page.test.ts',
  'test/e2e/mount-lock.test.ts',
  'test/e2e/mount-options.test.ts',
  'test/e2e/mount-surroundings.test.ts',
  'test/e2e/mount-system.test.ts',
  'test/e2e/own-mount.test.ts',
  'test/e2e/report-page.test.ts',
  'test/e2e/up.test.ts',
  'test/scenario/fl-many.test.ts',
  'test/scenario/fl-mounted.test.ts',
  'test/scenario/grpc-message-limits.test.ts',
  'test/scenario/mirror-writers.test.ts',
  'test/scenario/torture.test.ts',
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: process.env['MILA_TESTS'] === 'all' ? [] : LONG,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // More than cores: many tests wait for programs that they started.
    maxWorkers: 3,
    // Reading the sources anew for each file would take as long as the tests do.
    isolate: false,
    env: { NO_PROXY: '127.0.0.1,localhost' },
  },
});
