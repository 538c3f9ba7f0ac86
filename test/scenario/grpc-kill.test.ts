import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readStateDict, writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { freePort } from '../support/free-port.ts';
import { liveOn } from '../support/lives.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-grpc-kill-'));
});
afterEach(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));

async function prepare(): Promise<void> {
  const bytes = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
  await writeStateDict(join(root, 'init.pt'), new Map([['w', { dtype: 'float32', shape: [4], bytes }]]));
  await writeFile(
    join(root, 'train.mjs'),
    `import { copyFileSync, appendFileSync } from 'node:fs';
     appendFileSync(process.argv[4], 'trained\\n');
     copyFileSync(process.argv[2], process.argv[3] + '/model.pt');`,
  );
  await writeFile(join(root, 'task.json'), '{"epochs": 1}');
  const grpc_configuration = { target: `127.0.0.1:${await freePort()}` };
  const server = {
    server_type: 'mila.services.servers.GrpcServer',
    grpc_configuration,
    task_configuration_file: join(root, 'task.json'),
    save_path: join(root, 'server'),
    rounds_count: 2,
    client_wait_time: 0.1,
    minimum_clients: 2,
  };
  await writeFile(join(root, 'server.json'), JSON.stringify(server));
  for (const name of ['site_a', 'site_b']) {
    const args = ['train.mjs', 'init.pt'].map((file) => join(root, file));
    const client = {
      name,
      client_type: 'mila.services.clients.GrpcClient',
      grpc_configuration,
      save_path: join(root, name),
      retry_timeout: 0.1,
      executor_type: 'mila.executors.Command',
      executor_options: { command: [process.execPath, ...args, '{output}', join(root, `${name}.log`)] },
    };
    await writeFile(join(root, `${name}.json`), JSON.stringify(client));
  }
}

it('server and client over gRPC, killed at several phases of a run, finish it', {
  timeout: 400_000,
}, async () => {
  await prepare();
  const [server, client] = await Promise.all([
    liveOn(['server', join(root, 'server.json'), '--json'], ['registered', 'update-received', 'aggregated']),
    liveOn(['client', join(root, 'site_a.json'), '--json'], ['trained', 'uploaded']),
    liveOn(['client', join(root, 'site_b.json'), '--json'], []),
  ]);
  expect(server.filter(({ exitCode }) => exitCode === null)).toHaveLength(3);
  expect(client.filter(({ exitCode }) => exitCode === null)).toHaveLength(2);
  const [run = '', ...others] = await readdir(join(root, 'server', 'runs'));
  expect(others).toEqual([]);
  const folder = join(root, 'server', 'runs', run);
  expect(await readFile(join(folder, 'server_ended.txt'), 'utf8')).toMatch(/^Training finished \d/);
  const final = await readStateDict(join(folder, 'rounds/round_3/server.agg'));
  expect([...new Float32Array(new Uint8Array(final.get('w')?.bytes ?? []).buffer)]).toEqual([1, 2, 3, 4]);
  // What was trained before a death is not trained again: at most the one that died with it unsaved.
  const trainings = (await readFile(join(root, 'site_a.log'), 'utf8')).trim().split('\n').length;
  expect(trainings).toBeLessThanOrEqual(3);
});
