import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type UnitKind, unitText } from '../../../src/cli/systemd-unit.ts';
import { isPresent } from '../../support/shells.ts';

const KINDS: readonly UnitKind[] = ['mount', 'server', 'client'];
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unit-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const unitOf = (kind: UnitKind, mountUnit?: string) =>
  unitText({
    kind,
    description: '100 % of it',
    workingDirectory: folder,
    command: [process.execPath, '/x/mila.js', '--dir', 'with space and $HOME'],
    mountUnit,
  });

it('the unit starts a mount again after whatever passes by itself, such as another’s lock or a full disk', () => {
  const unit = unitOf('mount');
  expect(unit).toContain('\nRestart=on-failure\n');
  expect(unit).toContain('\nRestartPreventExitStatus=2 3\n');
});

it.each(['server', 'client'] as const)(
  'a session that ended without success does not start the %s again',
  (kind) => {
    expect(unitOf(kind)).toContain('\nRestartPreventExitStatus=2 3 6\n');
    expect(unitOf(kind)).not.toContain('RestrictNamespaces');
  },
);

it('a server comes after its mount and wants it; without one it names none', () => {
  const unit = unitOf('server', 'mila-sync-server.service');
  expect(unit).toContain('\nAfter=network-online.target mila-sync-server.service\n');
  expect(unit).toContain('\nWants=network-online.target mila-sync-server.service\n');
  expect(unitOf('server')).toContain('\nAfter=network-online.target\n');
});

describe.skipIf(!isPresent('systemd-analyze', '--version'))('(skipped where systemd is missing)', () => {
  it.each(KINDS)('systemd has no fault to find in the unit of a %s', async (kind) => {
    const path = join(folder, 'mila-test.service');
    await writeFile(path, unitOf(kind));
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['--user', '--recursive-errors=no', 'verify', path],
      {
        encoding: 'utf8',
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      },
    );
    expect(stderr.split('\n').filter((line) => line.includes('mila-test'))).toEqual([]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });
});
