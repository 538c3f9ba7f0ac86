import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FakeMlflow, fakeMlflow } from '../support/fake-mlflow.ts';
import { writeLargeCheckpoint } from '../support/grpc-large-run.ts';
import { type Started, startProgram } from '../support/programs.ts';

let root: string;
let mlflow: FakeMlflow;
let hook: Server;
const news: { path: string | undefined; document: Record<string, unknown> }[] = [];
const running: Started[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-onlookers-'));
  await mkdir(join(root, 'folder'));
  mlflow = await fakeMlflow();
  hook = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      news.push({ path: request.url, document: JSON.parse(body) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const { process: child } of running.splice(0)) child.kill('SIGKILL');
  hook.closeAllConnections();
  await new Promise((resolve) => hook.close(resolve));
  await mlflow.close();
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

async function configure(): Promise<void> {
  const common = {
    box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
    tracking: [{ type: 'tensorboard' }, { type: 'mlflow', uri: mlflow.uri }],
  };
  const { port } = hook.address() as AddressInfo;
  const server = {
    ...common,
    server_type: 'mila.services.servers.BoxServer',
    task_configuration_file: join(root, 'task.json'),
    save_path: join(root, 'server'),
    rounds_count: 1,
    client_wait_time: 0.1,
    minimum_clients: 1,
    notify: { webhook: `http://127.0.0.1:${port}/swordfish` },
  };
  const copy = `require('node:fs').copyFileSync(process.argv[1], process.argv[2] + '/model.pt')`;
  const client = {
    ...common,
    name: 'site_a',
    client_type: 'mila.services.clients.BoxClient',
    save_path: join(root, 'client'),
    executor_type: 'mila.executors.Command',
    executor_options: { command: [process.execPath, '-e', copy, join(root, 'init.pt'), '{output}'] },
    notify: { command: ['/bin/sh', '-c', 'cat >> "$0"', join(root, 'told')] },
  };
  await writeLargeCheckpoint(join(root, 'init.pt'), 4_096);
  await writeFile(join(root, 'task.json'), '{}');
  await writeFile(join(root, 'server.json'), JSON.stringify(server));
  await writeFile(join(root, 'client.json'), JSON.stringify(client));
}

function start(role: 'server' | 'client'): Started {
  const args = [role, join(root, `${role}.json`), '--dir', join(root, 'folder'), '--log-level', 'trace'];
  const program = startProgram('mila', args, { environment: { MLFLOW_TRACKING_TOKEN: 'gold-fish' } });
  running.push(program);
  return program;
}

/** Every text below a folder that is none of a model. */
async function textsBelow(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile() && !each.name.endsWith('.pt'));
  return (
    await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name), 'latin1')))
  ).join();
}

it('a server and a client bring their numbers away and tell of the end before they exit', async () => {
  await configure();
  const programs = [start('server'), start('client')];
  expect(await Promise.all(programs.map(({ ended }) => ended))).toEqual([0, 0]);
  expect(news.map(({ path, document }) => [path, document['kind'], document['name']])).toEqual([
    ['/swordfish', 'ended', 'server'],
  ]);
  const told: unknown = JSON.parse(await readFile(join(root, 'told'), 'utf8'));
  expect(told).toMatchObject({ kind: 'ended', name: 'site_a', run: news[0]?.document['run'] });
  expect(mlflow.runs.map(({ status }) => status)).toEqual(['FINISHED', 'FINISHED']);
  expect(mlflow.runs.every(({ metrics }) => metrics.length > 0)).toBe(true);
  expect(new Set(mlflow.calls.map(({ token }) => token))).toEqual(new Set(['Bearer gold-fish']));
  const said = [
    ...programs.map(({ stdout, stderr }) => stdout() + stderr()),
    ...(await Promise.all(['server', 'client', 'folder'].map((name) => textsBelow(join(root, name))))),
  ].join();
  expect(said).toContain('brain.Event:2');
  expect(said).not.toMatch(/swordfish|gold-fish/);
}, 60_000);
