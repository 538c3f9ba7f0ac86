import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeLargeCheckpoint } from '../support/grpc-large-run.ts';
import type { Started } from '../support/programs.ts';
import { startProgram } from '../support/programs.ts';

const TIMEOUT = { timeout: 60_000 };

let root: string;
const running: Started[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-end-'));
  await mkdir(join(root, 'folder'));
  await writeLargeCheckpoint(join(root, 'init.pt'), 4_096);
  await writeFile(join(root, 'task.json'), '{}');
  await writeFile(
    join(root, 'train.mjs'),
    `import { copyFileSync } from 'node:fs';
     const [, , from, output] = process.argv;
     copyFileSync(from, output + '/model.pt');`,
  );
  const client = {
    box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
    name: 'site_a',
    client_type: 'mila.services.clients.BoxClient',
    save_path: join(root, 'results'),
    executor_type: 'mila.executors.Command',
    executor_options: {
      command: [process.execPath, join(root, 'train.mjs'), join(root, 'init.pt'), '{output}'],
    },
  };
  await writeFile(join(root, 'client.json'), JSON.stringify(client));
});

afterEach(async () => {
  for (const { process: child } of running.splice(0)) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

async function configureServer(minimumClients: number): Promise<void> {
  const server = {
    box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
    server_type: 'mila.services.servers.BoxServer',
    task_configuration_file: join(root, 'task.json'),
    save_path: join(root, 'server'),
    rounds_count: 1,
    client_wait_time: 0.1,
    minimum_clients: minimumClients,
  };
  await writeFile(join(root, 'server.json'), JSON.stringify(server));
}

function start(role: 'server' | 'client', ...flags: string[]): Started {
  const program = startProgram('mila', [
    role,
    join(root, `${role}.json`),
    '--dir',
    join(root, 'folder'),
    ...flags,
  ]);
  running.push(program);
  return program;
}

it(
  'Ctrl-C leaves a run open while people register; --end ends it for them, and nothing twice',
  TIMEOUT,
  async () => {
    await configureServer(2);
    const nothing = start('server', '--end');
    expect(await nothing.ended).toBe(4);
    expect(nothing.stderr()).toContain('no run of this configuration is open');

    const server = start('server');
    const client = start('client');
    await expect.poll(() => server.stderr(), { timeout: 30_000 }).toContain('site_a registered');
    server.process.kill('SIGINT');
    expect(await server.ended).toBe(130);
    expect(server.stderr()).toContain('is left open');

    const ender = start('server', '--end');
    expect(await Promise.all([ender.ended, client.ended])).toEqual([0, 6]);
    expect(ender.stderr()).toContain('was ended for everybody');
    const again = start('server', '--end');
    expect(await again.ended).toBe(4);
    expect(again.stderr()).toContain('has ended already');
  },
);

it(
  'the path of its own final model is the only thing that a client prints on standard output',
  TIMEOUT,
  async () => {
    await configureServer(1);
    const [server, client] = [start('server'), start('client')];
    expect(await Promise.all([server.ended, client.ended]), client.stderr()).toEqual([0, 0]);
    const lines = client.stdout().trimEnd().split('\n');
    expect(lines).toEqual([expect.stringMatching(/^\/.*\/results\/[\d_-]+\/site_a\/final\.pt$/)]);
  },
);
