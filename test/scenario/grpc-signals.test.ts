import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { writeLargeCheckpoint } from '../support/grpc-large-run.ts';
import type { Started } from '../support/programs.ts';
import { startProgram } from '../support/programs.ts';

const TIMEOUT = { timeout: 120_000 };

let root: string;
const running: Started[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-grpc-signals-'));
  await writeLargeCheckpoint(join(root, 'init.pt'), 4_096);
  await writeFile(join(root, 'task.json'), '{"epochs": 1}');
  // Trains until the test lets it.
  await writeFile(
    join(root, 'train.mjs'),
    `import { copyFileSync, existsSync } from 'node:fs';
     const [, , gate, from, to] = process.argv;
     const look = setInterval(() => {
       if (!existsSync(gate)) return;
       clearInterval(look);
       copyFileSync(from, to + '/model.pt');
     }, 20);`,
  );
});
afterEach(async () => {
  for (const { process: child } of running.splice(0)) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

async function writeConfigurations(target: string): Promise<void> {
  const server = {
    server_type: 'mila.services.servers.GrpcServer',
    // As older texts have it: the keys of grpc_configuration at the top level.
    target,
    task_configuration_file: join(root, 'task.json'),
    save_path: join(root, 'server'),
    rounds_count: 1,
    client_wait_time: 0.1,
    minimum_clients: 2,
  };
  await writeFile(join(root, 'server.json'), JSON.stringify(server));
  for (const name of ['site_a', 'site_b']) {
    const command = [
      process.execPath,
      join(root, 'train.mjs'),
      join(root, 'go'),
      join(root, 'init.pt'),
      '{output}',
    ];
    const client = {
      name,
      client_type: 'mila.services.clients.GrpcClient',
      target,
      save_path: join(root, name),
      retry_timeout: 0.1,
      executor_type: 'mila.executors.Command',
      executor_options: { command },
    };
    await writeFile(join(root, `${name}.json`), JSON.stringify(client));
  }
}

function start(role: 'server' | 'client', file: string, ...flags: string[]): Started {
  const program = startProgram('mila', [role, join(root, file), '--json', ...flags]);
  running.push(program);
  return program;
}

const heard = (program: Started, text: string) =>
  expect.poll(() => program.stdout(), { timeout: 60_000, message: program.stderr() }).toContain(text);

it(
  'Ctrl-C leaves the run open; --end ends it for everybody, and it can be opened again',
  TIMEOUT,
  async () => {
    const metricsPort = await freePort();
    await writeConfigurations(`127.0.0.1:${await freePort()}`);
    const server = start('server', 'server.json', '--metrics-port', String(metricsPort));
    const clients = ['site_a.json', 'site_b.json'].map((file) => start('client', file));
    for (const client of clients) await heard(client, '"event":"training"');
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(metrics).toContain('mila_grpc_calls_total{method="Authenticate",code="OK"} 2');
    expect(metrics).toContain('mila_round 1');
    server.process.kill('SIGINT');
    expect(await server.ended).toBe(130);
    const [run = ''] = await readdir(join(root, 'server', 'runs'));
    expect(server.stderr()).toContain(`run ${run} is left open`);
    const ending = join(root, 'server', 'runs', run, 'server_ended.txt');
    expect(existsSync(ending)).toBe(false);
    const ender = start('server', 'server.json', '--end');
    expect(await Promise.all([ender, ...clients].map(({ ended }) => ended))).toEqual([0, 6, 6]);
    expect(await readFile(ending, 'utf8')).toMatch(/^Training stop by user/);
    expect(server.stderr()).toContain('not secure');

    const twice = start('server', 'server.json', '--end');
    expect(await twice.ended).toBe(4);
    expect(twice.stderr()).toContain('has ended already');

    await writeFile(join(root, 'go'), '');
    const again = start('server', 'server.json', '--resume', run);
    await heard(again, '"event":"listening"');
    const back = ['site_a.json', 'site_b.json'].map((file) => start('client', file));
    expect(await Promise.all([again, ...back].map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(await readFile(ending, 'utf8')).toMatch(/^Training finished \d/);
  },
);

it(
  'SIGTERM at a client tells the server that it leaves, and at the server leaves the run open',
  TIMEOUT,
  async () => {
    await writeConfigurations(`127.0.0.1:${await freePort()}`);
    const server = start('server', 'server.json');
    const [a, b] = [start('client', 'site_a.json'), start('client', 'site_b.json')];
    await heard(a, '"event":"training"');
    await heard(b, '"event":"training"');
    a.process.kill('SIGTERM');
    expect(await a.ended).toBe(130);
    await heard(server, '"event":"participant-left"');
    server.process.kill('SIGTERM');
    expect(await server.ended).toBe(130);
    const [run = ''] = await readdir(join(root, 'server', 'runs'));
    expect(await readdir(join(root, 'server', 'runs', run))).not.toContain('server_ended.txt');

    // Whoever stayed finds the server again by itself.
    const [again, back] = [start('server', 'server.json'), start('client', 'site_a.json')];
    // Not before both are there again: the one that stayed could end the run alone.
    await heard(back, '"event":"training"');
    await writeFile(join(root, 'go'), '');
    const later = [again, back, b];
    expect(await Promise.all(later.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(await readdir(join(root, 'server', 'runs'))).toEqual([run]);
  },
);
