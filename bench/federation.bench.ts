/**
 * What a federation costs: the time between the last checkpoint of a round and the next model on every client, the
 * server's memory, and API calls. Every program is a process of its own, over the emulator with a delayed network.
 * Run: npx tsx bench/federation.bench.ts [--clients N] [--size-mb N] [--rounds N] [--latency MS] [--large-mb N]
 * It runs the built programs: npm run build first.
 */

import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Administrator, type ApiCalls } from '../src/cli/demo/administrator.ts';
import { writeStateDict } from '../src/fl/torch/state-dict-file.ts';
import { BenchProcess } from './bench-process.ts';
import { serverKeys, TRAINER } from './federation-files.ts';
import { median } from './figure.ts';
import { plainTransfers } from './plain-transfers.ts';

const MB = 1_000_000;
const MIB = 1024 * 1024;
const BOX = { groupName: 'sites', folderName: 'shared', savePath: 'bench/run' } as const;
/** How long a training takes, and how far the trainings of two clients lie apart. Units: milliseconds. */
const TRAINING_MS = 4_000;
const STAGGER_MS = 150;
const RSS_POLL_MS = 50;
const PATIENCE_MS = 300_000;
/** How often a round's transfers are made alone; the median counts. */
const PLAIN_RUNS = 5;

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '10' },
    'size-mb': { type: 'string', default: '10' },
    rounds: { type: 'string', default: '4' },
    latency: { type: 'string', default: '100' },
    'large-mb': { type: 'string', default: '400' },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

interface Setting {
  readonly folder: string;
  readonly clients: number;
  readonly rounds: number;
  readonly sizeMb: number;
}

async function writeModel(path: string, sizeMb: number): Promise<void> {
  const tensors = Math.max(1, Math.round(sizeMb / 10));
  const elements = Math.round((sizeMb * MB) / tensors / 4);
  const bytes = new Uint8Array(new Float32Array(elements).fill(0.5).buffer);
  const named = Array.from({ length: tensors }, (_, index) => [
    `layer${index}.weight`,
    { dtype: 'float32' as const, shape: [elements], bytes },
  ]);
  await writeStateDict(path, new Map(named as never));
}

const boxSection = (folder: string, name: string) => ({
  box_configuration_path: join(folder, 'box.json'),
  shared_dir_name: BOX.folderName,
  save_path: BOX.savePath,
  group_name: BOX.groupName,
  mount_path: join(folder, name, 'mount'),
});

async function configure({ folder, clients, rounds, sizeMb }: Setting): Promise<readonly string[]> {
  await writeModel(join(folder, 'model.pt'), sizeMb);
  await writeFile(join(folder, 'train.mjs'), TRAINER);
  await writeFile(join(folder, 'task.json'), '{"epochs": 1}\n');
  const names = Array.from({ length: clients }, (_, index) => `site_${index}`);
  const write = async (name: string, keys: Record<string, unknown>) => {
    await mkdir(join(folder, name), { recursive: true });
    const common = { box_configuration: boxSection(folder, name), save_path: join(folder, name, 'results') };
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ ...common, ...keys }));
  };
  await write('server', serverKeys({ folder, rounds, clients }));
  for (const [index, name] of names.entries())
    await write(name, {
      name,
      client_type: 'mila.services.clients.BoxClient',
      executor_type: 'mila.executors.Command',
      heartbeat_frequency: 60,
      executor_options: {
        command: [
          process.execPath,
          join(folder, 'train.mjs'),
          join(folder, 'model.pt'),
          '{output}',
          String(TRAINING_MS + STAGGER_MS * index),
        ],
      },
    });
  return names;
}

function rssOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** The largest resident memory of a process while it runs. */
function watchRss(pid: number): () => number {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, rssOf(pid));
  }, RSS_POLL_MS);
  return () => {
    clearInterval(timer);
    return peak;
  };
}

/** Where the time between two rounds goes, for the last round that was measured. */
function phases(server: BenchProcess, clients: readonly BenchProcess[], round: number): string {
  const last = (event: string, of: number) =>
    Math.max(...clients.map((client) => client.timeOf(event, of) ?? Number.NaN));
  const moments: readonly (readonly [string, number])[] = [
    ['trained', last('trained', round)],
    ['in Box', last('uploaded', round)],
    ['at the server', server.lastTimeOf('update-received', round) ?? Number.NaN],
    ['aggregated', server.timeOf('aggregated', round) ?? Number.NaN],
    ['opened', server.timeOf('round-started', round + 1) ?? Number.NaN],
    ['on every client', last('round-started', round + 1)],
  ];
  const start = moments[0]?.[1] ?? 0;
  return moments.map(([name, atMs]) => `${name} ${((atMs - start) / 1000).toFixed(2)}`).join(', ');
}

/** By round: when the last client had trained, and when the last one had the next model. */
function overheads(clients: readonly BenchProcess[], rounds: number): readonly number[] {
  const last = (event: string, round: number) =>
    Math.max(...clients.map((client) => client.timeOf(event, round) ?? Number.NaN));
  return Array.from({ length: rounds - 1 }, (_, index) => {
    const round = index + 1;
    return last('round-started', round + 1) - last('trained', round);
  });
}

function difference(after: ApiCalls, before: ApiCalls, name: string): number {
  return (after.byUser[name] ?? 0) - (before.byUser[name] ?? 0);
}

async function setLatency(url: string, latencyMs: number): Promise<void> {
  await fetch(`${url}/_emulator/settings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ latencyMs }),
  });
}

async function overBox(folder: string): Promise<void> {
  const [clients, rounds, sizeMb] = [values.clients, values.rounds, values['size-mb']].map(Number) as [
    number,
    number,
    number,
  ];
  const names = await configure({ folder, clients, rounds, sizeMb });
  const emulator = new BenchProcess('mila-sync', [
    'emulator',
    '--json',
    '--port',
    '0',
    '--write-config',
    join(folder, 'box.json'),
  ]);
  const ready = await emulator.waitFor('ready', undefined, PATIENCE_MS);
  const url = String(ready['url']);
  const administrator = new Administrator(url);
  await administrator.prepare(BOX);
  const mounts: BenchProcess[] = [];
  try {
    for (const name of ['server', ...names]) {
      const mount = new BenchProcess('mila-sync', ['mount', join(folder, `${name}.json`), '--json']);
      mounts.push(mount);
      await mount.waitFor('ready', undefined, PATIENCE_MS);
    }
    await setLatency(url, Number(values.latency));
    const server = new BenchProcess('mila', ['server', join(folder, 'server.json'), '--json']);
    const peak = watchRss(server.pid);
    const sites = names.map(
      (name) => new BenchProcess('mila', ['client', join(folder, `${name}.json`), '--json']),
    );
    await server.waitFor('round-started', 2, PATIENCE_MS);
    const before = await administrator.apiCalls();
    await server.waitFor('round-started', rounds, PATIENCE_MS);
    const after = await administrator.apiCalls();
    await Promise.all([server, ...sites].map((each) => each.exited));
    const spans = overheads(sites, rounds);
    const counted = rounds - 2;
    const calls = names.map((name) => difference(after, before, name) / counted);
    say(
      `round overhead, ${clients} clients x ${sizeMb} MB, ${values.latency} ms latency, transfers included: ${spans.map((ms) => `${(ms / 1000).toFixed(2)} s`).join(', ')}`,
    );
    await setLatency(url, 0);
    const model = join(folder, 'model.pt');
    const times: number[] = [];
    for (let run = 0; run < PLAIN_RUNS; run += 1)
      times.push(await plainTransfers({ url, path: model, receivers: clients, label: `alone ${run}` }));
    const alone = median(times);
    say(
      `  the transfers alone, by plain HTTP without latency, take ${(alone / 1000).toFixed(2)} s; without them: ${spans.map((ms) => `${((ms - alone) / 1000).toFixed(2)} s`).join(', ')}`,
    );
    say(`  seconds after the last training of round ${rounds - 1}: ${phases(server, sites, rounds - 1)}`);
    say(
      `API calls per round and client, heartbeats included: mean ${(calls.reduce((a, b) => a + b, 0) / clients).toFixed(1)}, most ${Math.max(...calls).toFixed(1)}`,
    );
    const endpoints = Object.entries(after.byEndpoint)
      .map(([endpoint, count]) => [endpoint, (count - (before.byEndpoint[endpoint] ?? 0)) / counted] as const)
      .filter(([, count]) => count > 0)
      .sort((a, b) => b[1] - a[1]);
    for (const [endpoint, count] of endpoints) say(`  ${count.toFixed(1).padStart(8)} a round  ${endpoint}`);
    say(`server memory with ${sizeMb} MB models: ${(peak() / MIB).toFixed(0)} MiB at most`);
  } finally {
    await Promise.all(mounts.map((mount) => mount.stop()));
    await emulator.stop();
  }
}

/** The server alone on a plain folder, with models as large as wanted. */
async function largeModels(folder: string): Promise<void> {
  const sizeMb = Number(values['large-mb']);
  if (sizeMb === 0) return;
  const names = await configure({ folder, clients: 3, rounds: 2, sizeMb });
  const shared = join(folder, 'plain');
  const server = new BenchProcess('mila', ['server', join(folder, 'server.json'), '--json', '--dir', shared]);
  const peak = watchRss(server.pid);
  const sites = names.map(
    (name) => new BenchProcess('mila', ['client', join(folder, `${name}.json`), '--json', '--dir', shared]),
  );
  await Promise.all([server, ...sites].map((each) => each.exited));
  say(`server memory with ${sizeMb} MB models: ${(peak() / MIB).toFixed(0)} MiB at most`);
}

async function main(): Promise<void> {
  for (const part of [overBox, largeModels]) {
    const folder = await mkdtemp(join(tmpdir(), 'federation-bench-'));
    try {
      await part(folder);
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

await main();
