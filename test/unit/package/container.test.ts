import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { isPresent } from '../../support/shells.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const lines = readFileSync(join(root, 'Containerfile'), 'utf8').split('\n');
const named = (instruction: string) => lines.filter((line) => line.startsWith(`${instruction} `));

/** Continuous integration installs it there. */
const own = join(
  process.env['MILA_PYTHON_PEERS'] ?? join(root, 'node_modules', '.mila-python'),
  'hadolint/bin/hadolint',
);
const linter = existsSync(own) ? own : 'hadolint';

it.skipIf(!isPresent(linter, '--version'))(
  'hadolint has no fault to find (skipped where it is missing)',
  () => {
    const { stdout, status } = spawnSync(linter, ['--no-color', 'Containerfile'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  },
);

it('runs the programs as a user without rights, with an init, and keeps what they write outside', () => {
  expect(named('USER')).toEqual(['USER 1000:1000']);
  expect(named('ENTRYPOINT')).toEqual(['ENTRYPOINT ["tini", "--"]']);
  expect(named('VOLUME')).toEqual(['VOLUME ["/work"]']);
});

it('takes no key and no build argument into an image', () => {
  expect(named('ARG')).toEqual([]);
  expect(named('ENV').join()).not.toMatch(/BOX|KEY|SECRET|TOKEN/i);
  const ignored = readFileSync(join(root, '.containerignore'), 'utf8').split('\n');
  expect(ignored).toEqual(
    expect.arrayContaining(['.git', '**/*.key', '**/*.pem', '**/*key*.json', '**/.env*']),
  );
  expect(readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')).toEqual(ignored);
});
