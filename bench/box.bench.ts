/**
 * What the Box adapter costs and how fast it is, against the emulator on this machine; rclone beside it where installed.
 * Run: npx tsx bench/box.bench.ts [--large-mib N] [--no-rclone]
 */
import { execFile, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { systemClock } from '../src/clock.ts';
import { remoteId } from '../src/ids.ts';
import { silentLogger } from '../src/logger.ts';
import { systemRandom } from '../src/random.ts';
import { readBoxConfiguration } from '../src/sync/box/box-configuration.ts';
import { type BoxStoreOptions, openBoxStore } from '../src/sync/box/box-store.ts';

import type { RemoteStore, UploadSource } from '../src/sync/remote/remote-store.ts';
import { startTlsProxy } from './box-tls-proxy.ts';

const run = promisify(execFile);
const RCLONE = '/usr/bin/rclone';
const MIB = 1024 * 1024;
const SMALL_FILES = 100;
const LISTED_ENTRIES = 2_500;
const LISTING_LANES = 8;
const RCLONE_PATIENCE_MS = 60_000;

const { values } = parseArgs({
  options: {
    'large-mib': { type: 'string', default: '1024' },
    'no-rclone': { type: 'boolean', default: false },
  },
});

interface Stats {
  readonly calls: { readonly total: number; readonly by_endpoint: Record<string, number> };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const seconds = (fromMs: number) => (performance.now() - fromMs) / 1000;

/** Keep an eye on this process's memory while something runs. */
async function watched<T>(work: () => Promise<T>) {
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  try {
    const result = await work();
    const { user, system } = process.cpuUsage(startedCpu);
    const cpuSeconds = (user + system) / 1e6;
    return { result, seconds: seconds(startedMs), cpuSeconds, growthMib: (peak - before) / MIB };
  } finally {
    clearInterval(timer);
  }
}

async function fileSource(path: string): Promise<UploadSource> {
  const handle = await open(path);
  const { size, mtimeMs } = await handle.stat();
  await handle.close();
  const hash = createHash('sha1');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return {
    sizeBytes: size,
    sha1: hash.digest('hex'),
    modifiedAtMs: mtimeMs,
    open: ({ offset = 0, end = size } = { offset: 0 }) =>
      createReadStream(path, { start: offset, end: Math.max(offset, end) - 1, highWaterMark: 256 * 1024 }),
  };
}

async function writeRandomFile(path: string, sizeMib: number): Promise<void> {
  const file = createWriteStream(path);
  const block = Buffer.alloc(MIB);
  for (let index = 0; index < sizeMib; index += 1) {
    block.writeUInt32LE((index * 2654435761) >>> 0, (index * 64) % (MIB - 4));
    if (!file.write(Buffer.from(block))) await once(file, 'drain');
  }
  await new Promise<void>((resolve) => file.end(resolve));
}

interface Bench {
  readonly url: string;
  readonly keyPath: string;
  readonly directory: string;
  readonly store: RemoteStore;
  readonly stats: () => Promise<Stats>;
  readonly reset: () => Promise<void>;
}

async function smallFiles({ store, stats, reset, directory }: Bench): Promise<void> {
  const names = Array.from({ length: SMALL_FILES }, (_, index) => `small-${index}.txt`);
  const local = join(directory, 'small');
  await mkdir(local);
  for (const name of names) await writeFile(join(local, name), `content of ${name}\n`.repeat(50));
  await reset();
  const startedMs = performance.now();
  const folder = await store.createFolder(remoteId('0'), 'small');
  await Promise.all(
    names.map(async (name) =>
      store.upload({ parentId: folder.id, name, source: await fileSource(join(local, name)) }),
    ),
  );
  const spent = seconds(startedMs);
  const { calls } = await stats();
  say(
    `small files up: ${SMALL_FILES} files + 1 folder = ${calls.total} calls (${(calls.total / (SMALL_FILES + 1)).toFixed(2)} per entry), ${spent.toFixed(2)} s`,
  );
}

async function listing({ store, stats, reset }: Bench): Promise<void> {
  const folder = await store.createFolder(remoteId('0'), 'listed');
  const lanes = Array.from({ length: LISTING_LANES }, async (_, lane) => {
    for (let index = lane; index < LISTED_ENTRIES; index += LISTING_LANES) {
      await store.createFolder(folder.id, `entry ${index}`);
    }
  });
  await Promise.all(lanes);
  await reset();
  const startedMs = performance.now();
  const entries = await store.list(folder.id);
  const { calls } = await stats();
  say(`listing: ${entries?.length} entries = ${calls.total} calls, ${seconds(startedMs).toFixed(2)} s`);
}

async function firstRequests({ keyPath, stats, reset }: Bench): Promise<void> {
  const store = await openBoxStore(await storeOptions(keyPath));
  await store.close();
  await reset();
  const fresh = await openBoxStore(await storeOptions(keyPath));
  await Promise.all(Array.from({ length: 5 }, () => fresh.list(remoteId('0'))));
  const { calls } = await stats();
  const tokens = calls.by_endpoint['POST /oauth2/token'];
  say(`five parallel first requests: ${tokens} token request(s)`);
  await fresh.close();
}

async function large({ store, stats, reset, directory }: Bench, sizeMib: number): Promise<void> {
  const path = join(directory, 'large.bin');
  await writeRandomFile(path, sizeMib);
  const source = await fileSource(path);
  await reset();
  const up = await watched(() => store.upload({ parentId: remoteId('0'), name: 'large.bin', source }));
  const upCalls = (await stats()).calls.total;
  say(
    `large file up: ${sizeMib} MiB in ${up.seconds.toFixed(1)} s = ${(sizeMib / up.seconds).toFixed(0)} MiB/s, ${up.cpuSeconds.toFixed(1)} s of processor, memory +${up.growthMib.toFixed(0)} MiB, ${upCalls} calls`,
  );
  await reset();
  const target = join(directory, 'large.down');
  const down = await watched(async () => {
    const stream = await store.download({ ...up.result, expected: up.result.content });
    await pipeline(stream, createWriteStream(target, { highWaterMark: MIB }));
  });
  const downCalls = (await stats()).calls.total;
  say(
    `large file down: ${sizeMib} MiB in ${down.seconds.toFixed(1)} s = ${(sizeMib / down.seconds).toFixed(0)} MiB/s, ${down.cpuSeconds.toFixed(1)} s of processor, memory +${down.growthMib.toFixed(0)} MiB, ${downCalls} calls`,
  );
  await rm(target);
}

async function rclone({ url, directory, stats, reset }: Bench, sizeMib: number): Promise<void> {
  const present = await access(RCLONE).then(
    () => true,
    () => false,
  );
  if (!present || values['no-rclone']) return say('rclone: not measured');
  const app = await (await fetch(`${url}/_emulator/app`)).json();
  const userId = (app as { service_account_id: string }).service_account_id;
  const issued = await fetch(`${url}/_emulator/users/${userId}/token`, { method: 'POST' });
  const { access_token } = (await issued.json()) as { access_token: string };
  const expiry = new Date(Date.now() + 3_600_000).toISOString();
  const config = join(directory, 'rclone.conf');
  await writeFile(
    config,
    `[box]\ntype = box\ntoken = ${JSON.stringify({ access_token, token_type: 'bearer', expiry })}\n`,
  );
  const proxy = await startTlsProxy(url, directory);
  const options = {
    env: { ...process.env, HTTPS_PROXY: proxy.url, https_proxy: proxy.url, RCLONE_CONFIG: config },
  };
  const measure = async (args: readonly string[]) => {
    await reset();
    const startedMs = performance.now();
    await run(RCLONE, ['--no-check-certificate', '--tpslimit', '0', ...args], {
      ...options,
      timeout: RCLONE_PATIENCE_MS,
    });
    return { spent: seconds(startedMs), calls: (await stats()).calls.total };
  };
  try {
    const small = await measure(['copy', '--transfers', '16', join(directory, 'small'), 'box:rclone-small']);
    say(
      `rclone, small files up: ${small.calls} calls (${(small.calls / (SMALL_FILES + 1)).toFixed(2)} per entry), ${small.spent.toFixed(2)} s`,
    );
    const up = await measure(['copyto', join(directory, 'large.bin'), 'box:rclone-large.bin']);
    say(
      `rclone, large file up: ${up.spent.toFixed(1)} s = ${(sizeMib / up.spent).toFixed(0)} MiB/s, ${up.calls} calls`,
    );
    const down = await measure(['copyto', 'box:rclone-large.bin', join(directory, 'rclone.down')]);
    say(
      `rclone, large file down: ${down.spent.toFixed(1)} s = ${(sizeMib / down.spent).toFixed(0)} MiB/s, ${down.calls} calls`,
    );
  } finally {
    proxy.close();
  }
}

async function storeOptions(keyPath: string): Promise<BoxStoreOptions> {
  return {
    configuration: await readBoxConfiguration(keyPath),
    identity: { kind: 'service-account' },
    clock: systemClock(),
    random: systemRandom(),
    logger: silentLogger,
    limits: { callsPerMinute: 1e9, uploadsPerMinute: 1e9 },
  };
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'box-bench-'));
  const keyPath = join(directory, 'key.json');
  const child = fork(fileURLToPath(new URL('./box-emulator-process.ts', import.meta.url)), [
    directory,
    keyPath,
  ]);
  const url = await new Promise<string>((resolve) =>
    child.once('message', (message) => resolve(String(message))),
  );
  const store = await openBoxStore(await storeOptions(keyPath));
  const bench: Bench = {
    url,
    keyPath,
    directory,
    store,
    stats: async () => (await (await fetch(`${url}/_emulator/stats`)).json()) as Stats,
    reset: async () => void (await fetch(`${url}/_emulator/stats/reset`, { method: 'POST' })),
  };
  const sizeMib = Number(values['large-mib']);
  try {
    await smallFiles(bench);
    await listing(bench);
    await firstRequests(bench);
    await large(bench, sizeMib);
    await rclone(bench, sizeMib);
  } finally {
    await store.close();
    child.kill();
    await rm(directory, { recursive: true });
  }
}

await main();
