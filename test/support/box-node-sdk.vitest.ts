import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitest/config';

const entry = createRequire(import.meta.url).resolve('box-node-sdk');
const found = /^(.*\/node_modules\/box-node-sdk)\//.exec(realpathSync(entry))?.[1] ?? dirname(entry);
const emulator = process.env['BOX_EMULATOR'] ?? '';

/** The SDK's own tests, as its package holds them: they are written for jest, and for Box's own addresses. */
export default defineConfig({
  root: found,
  cacheDir: join(process.env['BOX_SDK_OUTPUT'] ?? tmpdir(), 'cache'),
  resolve: { alias: { '@': join(found, 'src') } },
  plugins: [
    {
      name: 'addresses',
      enforce: 'pre',
      load(id) {
        if (!/\/(networking\/baseUrls|test\/client\.test)\.ts$/.test(id)) return undefined;
        return readFileSync(id, 'utf8')
          .replaceAll('https://api.box.com', emulator)
          .replaceAll('https://upload.box.com/api', `${emulator}/api`)
          .replaceAll('https://account.box.com/api/oauth2', `${emulator}/api/oauth2`);
      },
    },
  ],
  test: {
    globals: true,
    include: (process.env['BOX_SDK_TESTS'] ?? '').split(',').map((name) => `src/test/${name}.test.ts`),
    exclude: [],
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
    // One module graph for all files: loading the SDK takes longer than its tests.
    isolate: false,
    server: { deps: { inline: [/box-node-sdk\/src/] } },
  },
});
