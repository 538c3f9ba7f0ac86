/**
 * What the Box adapter costs and how fast it is, against the emulator on this machine; rclone beside it where installed.
 * rclone knows only Box's own addresses, so a proxy stands in for them over TLS; where the two are compared in time,
 * the adapter goes through that proxy as well. Words: --large-mib N, --no-rclone.
 */
import { execFile, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { remoteId } from '../src/ids.ts';
import { openBoxStore } from '../src/sync/box/box-store.ts';
import type { RemoteStore, UploadSource } from '../src/sync/remote/remote-store.ts';
import { storeOptions } from './box-options.ts';
import { startTlsProxy } from './box-tls-proxy.ts';
import type { TransferCost, TransferRequest } from './box-transfer.ts';
import { type BenchContext, median } from './figure.ts';

const run = promisify(execFile);
const RCLONE = '/usr/bin/rclone';
const MIB = 1024 * 1024;
const SMALL_FILES = 100;
const LISTED_ENTRIES = 2_500;
const PAGE_ENTRIES = 1_000;
const LANES = 8;
const RCLONE_PATIENCE_MS = 120_000;
/** How long Box holds a quiet long poll, and how long the emulator does here. Units: milliseconds. */
const BOX_HOLD_MS = 600_000;
/** Long enough to count as a channel that served. */
const BENCH_HOLD_MS = 11_000;
const IDLE_HOLDS = 5;

interface Stats {
  readonly calls: { readonly total: number; readonly by_endpoint: Record<string, number> };
}

interface Bench extends BenchContext {
  readonly url: string;
  readonly keyPath: string;
  readonly store: RemoteStore;
  readonly stats: () => Promise<Stats>;
  readonly reset: () => Promise<void>;
  readonly settings: (values: object) => Promise<void>;
}

async function fileSource(path: string): Promise<UploadSource> {
  const { size, mtimeMs } = await stat(path);
  const hash = createHash('sha1');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return {
    sizeBytes: size,
    sha1: hash.digest('hex'),
    modifiedAtMs: mtimeMs,
    open: ({ offset = 0, end = size } = { offset: 0 }) =>
      createReadStream(path, { start: offset, end: Math.max(offset, end) - 1 }),
  };
}

async function writeLargeFile(path: string, sizeMib: number): Promise<void> {
  const file = createWriteStream(path);
  const block = Buffer.alloc(MIB);
  for (let index = 0; index < sizeMib; index += 1) {
    block.writeUInt32LE((index * 2654435761) >>> 0, (index * 64) % (MIB - 4));
    if (!file.write(Buffer.from(block))) await once(file, 'drain');
  }
  await new Promise<void>((resolve) => file.end(resolve));
}

async function inLanes(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** rclone against the emulator; undefined where it is not installed. */
async function rcloneOf(bench: Bench) {
  if (!existsSync(RCLONE) || bench.words.includes('--no-rclone')) return undefined;
  const { url, folder, stats, reset } = bench;
  const app = (await (await fetch(`${url}/_emulator/app`)).json()) as { service_account_id: string };
  const issued = await fetch(`${url}/_emulator/users/${app.service_account_id}/token`, { method: 'POST' });
  const { access_token } = (await issued.json()) as { access_token: string };
  const expiry = new Date(Date.now() + 3_600_000).toISOString();
  const config = join(folder, 'rclone.conf');
  const token = JSON.stringify({ access_token, token_type: 'bearer', expiry });
  await writeFile(config, `[box]\ntype = box\ntoken = ${token}\n`);
  const front = await startTlsProxy(url, folder);
  const env = { ...process.env, HTTPS_PROXY: front.url, https_proxy: front.url, RCLONE_CONFIG: config };
  return {
    front,
    async measure(...args: readonly string[]) {
      await reset();
      const startedMs = performance.now();
      const words = ['--no-check-certificate', '--tpslimit', '0', ...args];
      await run(RCLONE, words, { env, timeout: RCLONE_PATIENCE_MS });
      return { seconds: (performance.now() - startedMs) / 1000, calls: (await stats()).calls.total };
    },
  };
}

type Rclone = Awaited<ReturnType<typeof rcloneOf>>;

async function smallFiles(bench: Bench, rclone: Rclone): Promise<void> {
  const { store, stats, reset, folder: base, runs, report } = bench;
  const local = join(base, 'small');
  await mkdir(local);
  const names = Array.from({ length: SMALL_FILES }, (_, index) => `small-${index}.txt`);
  for (const name of names) await writeFile(join(local, name), `content of ${name}\n`.repeat(50));
  const [calls, seconds, theirCalls, theirSeconds]: number[][] = [[], [], [], []];
  for (let turn = 0; turn < runs; turn += 1) {
    await reset();
    const startedMs = performance.now();
    const folder = await store.createFolder(remoteId('0'), `small ${turn}`);
    await inLanes(SMALL_FILES, async (index) => {
      const name = names[index] ?? '';
      await store.upload({ parentId: folder.id, name, source: await fileSource(join(local, name)) });
    });
    seconds?.push((performance.now() - startedMs) / 1000);
    calls?.push((await stats()).calls.total / (SMALL_FILES + 1));
    if (rclone === undefined) continue;
    const theirs = await rclone.measure('copy', '--transfers', String(LANES), local, `box:rclone-${turn}`);
    theirCalls?.push(theirs.calls / (SMALL_FILES + 1));
    theirSeconds?.push(theirs.seconds);
  }
  const rival = (values: number[] = []) =>
    rclone === undefined ? {} : { rival: { name: 'rclone', value: median(values) } };
  report({
    what: `calls for each of ${SMALL_FILES} new small files and their folder`,
    value: median(calls ?? []),
    unit: 'calls',
    ...rival(theirCalls),
    goal: { of: 'value', atMost: 1 },
  });
  report({
    what: `time for ${SMALL_FILES} small files, ${LANES} at once`,
    value: median(seconds ?? []),
    unit: 's',
    ...rival(theirSeconds),
  });
}

async function listing({ store, stats, reset, report }: Bench): Promise<void> {
  const folder = await store.createFolder(remoteId('0'), 'listed');
  await inLanes(LISTED_ENTRIES, (index) => store.createFolder(folder.id, `entry ${index}`));
  await reset();
  const entries = (await store.list(folder.id)) ?? [];
  const { calls } = await stats();
  report({
    what: `calls to list a folder of ${entries.length} entries`,
    value: calls.total,
    unit: 'calls',
    goal: { of: 'value', atMost: Math.ceil(LISTED_ENTRIES / PAGE_ENTRIES) },
  });
}

async function firstRequests({ keyPath, stats, reset, report }: Bench): Promise<void> {
  await reset();
  const fresh = await openBoxStore(await storeOptions(keyPath));
  await Promise.all(Array.from({ length: 5 }, () => fresh.list(remoteId('0'))));
  const { calls } = await stats();
  report({
    what: 'token requests of five parallel first requests',
    value: calls.by_endpoint['POST /oauth2/token'] ?? 0,
    unit: 'calls',
    goal: { of: 'value', atMost: 1 },
  });
  await fresh.close();
}

/** Calls while nothing happens: what one hold of the long poll costs, and the token that an hour needs. */
async function idle({ store, stats, reset, settings, report }: Bench): Promise<void> {
  await settings({ longPollHoldMs: BENCH_HOLD_MS });
  const position = await store.position();
  await reset();
  await store.waitForChange(position, AbortSignal.timeout(BENCH_HOLD_MS * IDLE_HOLDS + BENCH_HOLD_MS / 2));
  const { calls } = await stats();
  await settings({ longPollHoldMs: BOX_HOLD_MS });
  const holdsPerHour = 3_600_000 / BOX_HOLD_MS;
  report({
    what: 'calls in an idle hour, from several holds of the long poll, with the token',
    value: (calls.total / IDLE_HOLDS) * holdsPerHour + 1,
    unit: 'calls',
    goal: { of: 'value', atMost: 12 },
  });
}

/** Up and down once, in a process of its own. */
async function transfer(
  request: TransferRequest,
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly up: TransferCost; readonly down: TransferCost }> {
  const program = fileURLToPath(new URL('./box-transfer.ts', import.meta.url));
  const child = fork(program, [JSON.stringify(request)], { execArgv: ['--import', 'tsx'], env: environment });
  const [cost] = (await once(child, 'message')) as [{ up: TransferCost; down: TransferCost }];
  if (child.exitCode === null) await once(child, 'exit');
  return cost;
}

async function large(bench: Bench, rclone: Rclone, sizeMib: number): Promise<void> {
  const { folder, keyPath, runs, report, note } = bench;
  const path = join(folder, 'large.bin');
  await writeLargeFile(path, sizeMib);
  const { open: _open, ...facts } = await fileSource(path);
  const throughFront = rclone !== undefined;
  const front = rclone?.front;
  const environment =
    front === undefined
      ? process.env
      : { ...process.env, HTTPS_PROXY: front.url, NODE_EXTRA_CA_CERTS: front.certificatePath };
  const rates = {
    up: [] as number[],
    down: [] as number[],
    theirUp: [] as number[],
    theirDown: [] as number[],
  };
  const growth: number[] = [];
  for (let turn = 0; turn < runs; turn += 1) {
    note(`large file, turn ${turn + 1} of ${runs}`);
    const request = { keyPath, path, name: `large ${turn}`, facts, throughFront };
    const { up, down } = await transfer(request, environment);
    rates.up.push(sizeMib / up.seconds);
    rates.down.push(sizeMib / down.seconds);
    growth.push(Math.max(up.growthMib, down.growthMib));
    if (rclone === undefined) continue;
    const remote = `box:rclone-large-${turn}`;
    rates.theirUp.push(sizeMib / (await rclone.measure('copyto', path, remote)).seconds);
    const target = join(folder, 'rclone.down');
    rates.theirDown.push(sizeMib / (await rclone.measure('copyto', remote, target)).seconds);
    await rm(target);
    await rclone.measure('deletefile', remote);
  }
  for (const direction of ['up', 'down'] as const) {
    const theirs = direction === 'up' ? rates.theirUp : rates.theirDown;
    report({
      what: `${sizeMib} MiB ${direction}`,
      value: median(rates[direction]),
      unit: 'MiB/s',
      ...(rclone === undefined ? {} : { rival: { name: 'rclone', value: median(theirs) } }),
      goal: { of: 'ratio', atLeast: 1 },
    });
  }
  report({
    what: `growth of memory with ${sizeMib} MiB up and down`,
    value: median(growth),
    unit: 'MiB',
    goal: { of: 'value', atMost: 100 },
  });
}

async function startEmulatorProcess(keyPath: string) {
  const program = fileURLToPath(new URL('./box-emulator-process.ts', import.meta.url));
  const child = fork(program, [keyPath], { execArgv: ['--import', 'tsx'] });
  const [url] = (await once(child, 'message')) as [string];
  return { child, url };
}

export async function measure(context: BenchContext): Promise<void> {
  const { values } = parseArgs({
    args: [...context.words],
    options: { 'large-mib': { type: 'string' }, 'no-rclone': { type: 'boolean' } },
  });
  const keyPath = join(context.folder, 'key.json');
  const { child, url } = await startEmulatorProcess(keyPath);
  const store = await openBoxStore(await storeOptions(keyPath));
  const post = (path: string, body?: object) =>
    fetch(`${url}/_emulator/${path}`, {
      method: 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const bench: Bench = {
    ...context,
    url,
    keyPath,
    store,
    stats: async () => (await (await fetch(`${url}/_emulator/stats`)).json()) as Stats,
    reset: async () => void (await post('stats/reset')),
    settings: async (changed) => void (await post('settings', changed)),
  };
  const rclone = await rcloneOf(bench);
  try {
    await smallFiles(bench, rclone);
    await listing(bench);
    await firstRequests(bench);
    await idle(bench);
    await large(bench, rclone, Number(values['large-mib'] ?? (context.quick ? 128 : 1024)));
  } finally {
    rclone?.front.close();
    await store.close();
    child.kill();
  }
}
