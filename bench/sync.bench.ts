/**
 * The sync engine between real mounts, over the emulator on this machine: how soon a heartbeat is seen, how fast many
 * small files go, what a rename costs, what a start with many unchanged entries costs, what rest costs. Words: the parts
 * that are wanted: rest, load, many.
 */
import { mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeFileAtomically } from '../src/atomic-file.ts';
import { Administrator } from '../src/cli/demo/administrator.ts';
import { type RunningEmulator, startEmulator } from '../src/sync/box-emulator/emulator.ts';
import { type BenchContext, median } from './figure.ts';
import { startMount } from './mount-process.ts';

const POLL_MS = 5;
const COUNT_POLL_MS = 50;
const BEATS = 40;
const SMALL_FILES = 1000;
const SMALL_BYTES = 2048;
const ENTRIES_PER_FOLDER = 1000;
const REST_SECONDS = 20;
const LARGE_FILES = 3;
const LARGE_BYTES = 1e9;
/** 20 Mbit/s. */
const LINE_BYTES_PER_SECOND = '2500K';

interface Session {
  readonly folder: string;
  readonly emulator: RunningEmulator;
  readonly administrator: Administrator;
}

async function withSession(work: (session: Session) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mila-bench-sync-'));
  const emulator = await startEmulator({ rateLimitPerMinute: 0, uploadRateLimitPerMinute: 0 });
  try {
    const administrator = new Administrator(emulator.url);
    await administrator.prepare({ groupName: 'group', folderName: 'shared' });
    await writeFile(join(folder, 'box.json'), JSON.stringify(emulator.configuration), { mode: 0o600 });
    await work({ folder, emulator, administrator });
  } finally {
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const mirrorOf = ({ folder }: Session, name: string) => join(folder, `m-${name}`, 'shared', 'runs');

/** Wait until `seen` holds. Units: milliseconds since the call. */
async function until(seen: () => Promise<boolean>, pollMs = POLL_MS, limitMs = 120_000): Promise<number> {
  const startedMs = performance.now();
  while (!(await seen())) {
    if (performance.now() - startedMs > limitMs) throw new Error('it never came');
    await pause(pollMs);
  }
  return performance.now() - startedMs;
}

/** True once Box has taken in so many files since the session began. */
async function uploaded({ administrator }: Session, count: number): Promise<boolean> {
  const { byEndpoint } = await administrator.apiCalls();
  const uploads = Object.entries(byEndpoint).filter(([endpoint]) =>
    /^POST .*\/files\/content$/.test(endpoint),
  );
  return uploads.reduce((sum, [, calls]) => sum + calls, 0) >= count;
}

const FULL = ['--profile', 'full'];

/** How long each of some heartbeats takes from the writer's disk to the reader's, sorted. Units: milliseconds. */
async function latenciesOf(session: Session, beats: number, apartMs: number): Promise<number[]> {
  const [from, to] = [
    join(mirrorOf(session, 'server'), 'beat.txt'),
    join(mirrorOf(session, 'ada'), 'beat.txt'),
  ];
  const latencies: number[] = [];
  for (let beat = 0; beat < beats; beat += 1) {
    const text = `beat ${beat} of ${beats}`;
    await writeFileAtomically(from, text);
    latencies.push(await until(async () => (await readFile(to, 'utf8').catch(() => '')) === text));
    await pause(apartMs);
  }
  return latencies.sort((a, b) => a - b);
}

/** Heartbeats while three large files are on their way through a narrow line. */
async function beatsUnderLoad(session: Session, { report, quick }: BenchContext): Promise<void> {
  const narrow = ['--bandwidth-up', LINE_BYTES_PER_SECOND];
  const writer = await startMount(session.folder, { name: 'server', args: [...FULL, ...narrow] });
  const reader = await startMount(session.folder, { name: 'ada', args: FULL });
  for (let at = 0; at < LARGE_FILES; at += 1) {
    const path = join(mirrorOf(session, 'server'), `large_${at}.pt`);
    await writeFile(path, '');
    await truncate(path, LARGE_BYTES);
  }
  const parts = async () => {
    const { byEndpoint } = await session.administrator.apiCalls();
    return Object.keys(byEndpoint).some((endpoint) => endpoint.startsWith('PUT'));
  };
  await until(parts, COUNT_POLL_MS);
  const latencies = await latenciesOf(session, quick ? 10 : BEATS, 2000);
  report({
    what: 'heartbeat while three files of 1 GB share 20 Mbit/s, p99',
    value: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    unit: 'ms',
    goal: { of: 'value', atMost: 5000 },
  });
  await Promise.all([writer.stop(), reader.stop()]);
}

async function heartbeats(session: Session, { report, quick }: BenchContext): Promise<void> {
  const writer = await startMount(session.folder, { name: 'server', args: FULL });
  const reader = await startMount(session.folder, { name: 'ada', args: FULL });
  const latencies = await latenciesOf(session, quick ? 10 : BEATS, 500);
  report({
    what: 'heartbeat seen at the other mount, p50',
    value: latencies[Math.floor(latencies.length / 2)] ?? 0,
    unit: 'ms',
    goal: { of: 'value', atMost: 300 },
  });
  report({
    what: 'heartbeat seen at the other mount, p99',
    value: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    unit: 'ms',
    goal: { of: 'value', atMost: 1000 },
  });
  // The figure is what goes up; another mount on the same cores would take half of them to bring it down.
  await reader.stop();
  await manySmallFiles(session, { report });
  const again = await startMount(session.folder, { name: 'ada', args: FULL });
  await renamedFolder(session, { report });
  await rest(session, [writer, again], { report });
  await Promise.all([writer.stop(), again.stop()]);
}

async function manySmallFiles(session: Session, { report }: Pick<BenchContext, 'report'>): Promise<void> {
  const source = join(mirrorOf(session, 'server'), 'many');
  await mkdir(source);
  for (let index = 0; index < SMALL_FILES; index += 1)
    await writeFile(join(source, `${index}.txt`), `${index}`.padEnd(SMALL_BYTES, '.'));
  const ms = await until(() => uploaded(session, SMALL_FILES), COUNT_POLL_MS);
  const value = SMALL_FILES / (ms / 1000);
  report({ what: '1,000 files of 2 KiB up', value, unit: 'files/s', goal: { of: 'value', atLeast: 200 } });
}

async function renamedFolder(session: Session, { report }: Pick<BenchContext, 'report'>): Promise<void> {
  const source = join(mirrorOf(session, 'server'), 'many');
  const last = join(mirrorOf(session, 'ada'), 'many', `${SMALL_FILES - 1}.txt`);
  await until(async () => (await readFile(last).catch(() => Buffer.alloc(0))).byteLength === SMALL_BYTES);
  await pause(3000);
  const before = await session.administrator.apiCalls();
  await rename(source, join(mirrorOf(session, 'server'), 'renamed'));
  await until(
    async () =>
      (await readFile(join(mirrorOf(session, 'ada'), 'renamed', '1.txt')).catch(() => Buffer.alloc(0)))
        .byteLength > 0,
  );
  const after = await session.administrator.apiCalls();
  // A long poll that was used up asks by OPTIONS for the next one.
  const asks = (endpoint: string) => /^(GET|OPTIONS) /.test(endpoint);
  const changes = (calls: Readonly<Record<string, number>>) =>
    Object.entries(calls).reduce((sum, [endpoint, count]) => sum + (asks(endpoint) ? 0 : count), 0);
  report({
    what: 'a folder of 1,000 files renamed: calls that change or carry anything',
    value: changes(after.byEndpoint) - changes(before.byEndpoint),
    unit: 'calls',
    goal: { of: 'value', atMost: 1 },
  });
}

async function rest(
  session: Session,
  mounts: readonly { cpuSeconds(): number }[],
  { report }: Pick<BenchContext, 'report'>,
): Promise<void> {
  await pause(5000);
  const before = await session.administrator.apiCalls();
  const cpu = mounts.map((mount) => mount.cpuSeconds());
  await pause(REST_SECONDS * 1000);
  const after = await session.administrator.apiCalls();
  const shares = mounts.map((mount, index) => (mount.cpuSeconds() - (cpu[index] ?? 0)) / REST_SECONDS);
  report({
    what: 'processor at rest, 1,000 entries',
    value: 100 * Math.max(...shares),
    unit: '%',
    goal: { of: 'value', atMost: 1 },
  });
  report({
    what: `API calls in ${REST_SECONDS} s of rest`,
    value: after.total - before.total,
    unit: 'calls',
    goal: { of: 'value', atMost: 0 },
  });
}

/** A tree that both sides know already: what starting again costs. */
async function unchanged(session: Session, { report, quick, runs }: BenchContext): Promise<void> {
  const entries = quick ? 10_000 : 100_000;
  const mirror = mirrorOf(session, 'server');
  const first = await startMount(session.folder, { name: 'server', args: FULL });
  for (let at = 0; at < entries / ENTRIES_PER_FOLDER; at += 1) {
    const folder = join(mirror, `folder_${at}`);
    await mkdir(folder);
    for (let file = 0; file < ENTRIES_PER_FOLDER - 1; file += 1)
      await writeFile(join(folder, `${file}.txt`), `${at}/${file}`);
  }
  await until(() => uploaded(session, entries * (1 - 1 / ENTRIES_PER_FOLDER)), COUNT_POLL_MS, 3_600_000);
  await pause(10_000);
  await first.stop();
  const starts: number[] = [];
  const sizes: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const mount = await startMount(session.folder, { name: 'server', args: FULL });
    starts.push(mount.readyMs / 1000);
    sizes.push(mount.rssMib());
    await mount.stop();
  }
  report({
    what: `start with ${entries} unchanged entries`,
    value: median(starts),
    unit: 's',
    goal: { of: 'value', atMost: 10 },
  });
  report({
    what: `memory with ${entries} unchanged entries`,
    value: median(sizes),
    unit: 'MiB',
    goal: { of: 'value', atMost: 250 },
  });
}

/** Take the figures. */
export async function measure(context: BenchContext): Promise<void> {
  const parts = { rest: heartbeats, load: beatsUnderLoad, many: unchanged };
  for (const [name, part] of Object.entries(parts))
    if (context.words.length === 0 || context.words.includes(name))
      await withSession((session) => part(session, context));
}
