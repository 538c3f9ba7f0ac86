import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeLargeCheckpoint } from '../support/grpc-large-run.ts';
import type { Started } from '../support/programs.ts';
import { startProgram } from '../support/programs.ts';

const isRoot = process.getuid?.() === 0;
const TIMEOUT = { timeout: 90_000 };

let root: string;
let disk: string;
const running: Started[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-full-disk-'));
  disk = join(root, 'disk');
  await mkdir(disk);
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
  await mkdir(join(disk, 'filling'));
  await writeLargeCheckpoint(join(root, 'init.pt'), 100_000);
  await writeFile(join(root, 'task.json'), '{}');
  await writeFile(
    join(root, 'train.mjs'),
    `import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
     const [, , root, output, round] = process.argv;
     writeFileSync(root + '/training.' + round, '');
     const look = setInterval(() => {
       if (!existsSync(root + '/go.' + round)) return;
       clearInterval(look);
       copyFileSync(root + '/init.pt', output + '/model.pt');
     }, 20);`,
  );
  const shared = { box_configuration: { shared_dir_name: 'shared', save_path: 'run' } };
  const server = {
    ...shared,
    server_type: 'mila.services.servers.BoxServer',
    task_configuration_file: join(root, 'task.json'),
    save_path: join(disk, 'server'),
    rounds_count: 2,
    client_wait_time: 0.1,
    minimum_clients: 1,
  };
  const client = {
    ...shared,
    name: 'site_a',
    client_type: 'mila.services.clients.BoxClient',
    save_path: join(root, 'site_a'),
    executor_type: 'mila.executors.Command',
    executor_options: { command: [process.execPath, join(root, 'train.mjs'), root, '{output}', '{round}'] },
  };
  await writeFile(join(root, 'server.json'), JSON.stringify(server));
  await writeFile(join(root, 'client.json'), JSON.stringify(client));
  await mkdir(join(root, 'folder'));
});

afterEach(async () => {
  for (const { process: child } of running.splice(0)) child.kill('SIGKILL');
  spawnSync('umount', [disk]);
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

function start(role: 'server' | 'client'): Started {
  const program = startProgram('mila', [role, join(root, `${role}.json`), '--dir', join(root, 'folder')]);
  running.push(program);
  return program;
}

/** Write until the disk has no room for so many bytes. */
async function fill(pieces: readonly number[]): Promise<void> {
  for (const bytes of pieces)
    for (let index = 0; index < 1_000; index += 1) {
      try {
        await writeFile(join(disk, 'filling', `${bytes}.${index}`), Buffer.alloc(bytes, 1));
      } catch {
        break;
      }
    }
}

const training = (round: number) =>
  expect.poll(() => existsSync(join(root, `training.${round}`)), { timeout: 30_000 }).toBe(true);

it.skipIf(!isRoot).each([
  ['anything', [1 << 18, 1 << 14, 1 << 12, 1]],
  ['a model', [1 << 18, 1 << 17]],
])(
  'a server whose disk has no room for %s, for a while, waits and ends nobody’s run (as root)',
  TIMEOUT,
  async (_, pieces) => {
    const server = start('server');
    const client = start('client');
    await training(1);
    await fill(pieces);
    await writeFile(join(root, 'go.1'), '');
    await expect
      .poll(() => server.stderr(), { timeout: 30_000 })
      .toMatch(/(?:no space|no room|full).*trying again/i);
    await rm(join(disk, 'filling'), { recursive: true });
    await training(2);
    await writeFile(join(root, 'go.2'), '');
    expect(await Promise.all([server.ended, client.ended]), server.stderr()).toEqual([0, 0]);
  },
);
