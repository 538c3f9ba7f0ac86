import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readStateDict, writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { liveOn } from '../support/lives.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-kill-'));
});
afterEach(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));

async function prepare(): Promise<void> {
  const bytes = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
  await writeStateDict(join(root, 'init.pt'), new Map([['w', { dtype: 'float32', shape: [4], bytes }]]));
  await writeFile(
    join(root, 'train.mjs'),
    `import { copyFileSync, appendFileSync } from 'node:fs';
     appendFileSync(process.argv[4], 'trained\\n');
     await new Promise((resolve) => setTimeout(resolve, 300));
     copyFileSync(process.argv[2], process.argv[3] + '/model.pt');`,
  );
  await writeFile(join(root, 'task.json'), '{"epochs": 1}');
  const box_configuration = { shared_dir_name: 'shared', save_path: 'run' };
  const server = {
    server_type: 'mila.services.servers.BoxServer',
    box_configuration,
    task_configuration_file: join(root, 'task.json'),
    save_path: join(root, 'server'),
    rounds_count: 2,
    client_wait_time: 0.1,
    minimum_clients: 2,
  };
  await writeFile(join(root, 'server.json'), JSON.stringify(server));
  for (const name of ['site_a', 'site_b']) {
    const client = {
      name,
      client_type: 'mila.services.clients.BoxClient',
      box_configuration,
      save_path: join(root, name),
      executor_type: 'mila.executors.Command',
      executor_options: {
        command: [
          process.execPath,
          join(root, 'train.mjs'),
          join(root, 'init.pt'),
          '{output}',
          join(root, `${name}.log`),
        ],
      },
    };
    await writeFile(join(root, `${name}.json`), JSON.stringify(client));
  }
}

it('server and client, killed at every phase of a run, finish it', { timeout: 400_000 }, async () => {
  await prepare();
  const common = ['--dir', root, '--json'];
  const [server, client] = await Promise.all([
    liveOn(
      ['server', join(root, 'server.json'), ...common],
      [
        'run-created',
        'registered',
        'registration-closed',
        'round-started',
        'update-received',
        'aggregating',
        'aggregated',
      ],
    ),
    liveOn(
      ['client', join(root, 'site_a.json'), ...common],
      ['run-joined', 'admitted', 'round-started', 'training', 'trained', 'uploaded'],
    ),
    liveOn(['client', join(root, 'site_b.json'), ...common], []),
  ]);
  // Each was killed as often as asked: the events that were waited for did come.
  expect(server.filter(({ exitCode }) => exitCode === null)).toHaveLength(7);
  expect(client.filter(({ exitCode }) => exitCode === null)).toHaveLength(6);
  const shared = join(root, 'shared', 'run');
  const [run = '', ...others] = await readdir(shared);
  expect(others).toEqual([]);
  expect(await readFile(join(shared, run, 'server_ended.txt'), 'utf8')).toMatch(/^Training finished \d/);
  const final = await readStateDict(join(shared, run, 'rounds/round_3/server.agg'));
  expect([...new Float32Array(new Uint8Array(final.get('w')?.bytes ?? []).buffer)]).toEqual([1, 2, 3, 4]);
  // What it came to is told by the last life, whichever of them saw it.
  expect(server.at(-1)?.events.at(-1)).toMatchObject({
    event: 'summary',
    rounds: [
      { round: 1, weights: { site_a: 0.5, site_b: 0.5 } },
      { round: 2, weights: { site_a: 0.5, site_b: 0.5 } },
    ],
  });
  // Killed as a training began, in its middle, and after it: only the first two are trained again.
  const trainings = (await readFile(join(root, 'site_a.log'), 'utf8')).trim().split('\n').length;
  expect(trainings).toBeLessThanOrEqual(4);
});
