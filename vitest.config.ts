import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // More than cores: many tests wait for programs that they started.
    maxWorkers: 3,
    isolate: false,
    env: { NO_PROXY: '127.0.0.1,localhost' },
  },
});
