/**
 * How much the emulator takes: small uploads and metadata reads a second, large files, many files, many connections.
 * The built emulator runs as a process of its own, this one is its only client. Words: the parts that are
 * wanted: rates, large, many.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { type BenchContext, median } from './figure.ts';

const PROGRAM = fileURLToPath(new URL('../dist/cli/mila-sync.js', import.meta.url));
const MIB = 1024 * 1024;
const LANES = 16;

interface Emulator {
  readonly child: ChildProcess;
  readonly pool: Pool;
  readonly headers: Readonly<Record<string, string>>;
}

async function start(options: readonly string[]): Promise<Emulator> {
  const unlimited = ['--rate-limit', '0', '--upload-rate-limit', '0'];
  const child = spawn(process.execPath, [PROGRAM, 'emulator', '--json', ...unlimited, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const ready = JSON.parse(line.toString()) as { url: string; service_account_id: string };
  const pool = new Pool(ready.url, { connections: LANES });
  const issued = await pool.request({
    method: 'POST',
    path: `/_emulator/users/${ready.service_account_id}/token`,
  });
  const { access_token: token } = (await issued.body.json()) as { access_token: string };
  return { child, pool, headers: { authorization: `Bearer ${token}` } };
}

async function stop({ child, pool }: Emulator): Promise<void> {
  await pool.destroy();
  const gone = once(child, 'exit');
  child.kill();
  await gone;
}

async function call({ pool, headers }: Emulator, method: 'GET' | 'POST', path: string, body?: unknown) {
  const answer = await pool.request({
    method,
    path,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json = (await answer.body.json()) as { id: string; entries: { id: string }[] };
  if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode}`);
  return json;
}

async function upload({ pool, headers }: Emulator, parentId: string, name: string): Promise<string> {
  const attributes = JSON.stringify({ name, parent: { id: parentId } });
  const answer = await pool.request({
    method: 'POST',
    path: '/api/2.0/files/content',
    headers: { ...headers, 'content-type': 'multipart/form-data; boundary=B' },
    body:
      `--B\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n${attributes}\r\n` +
      `--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n${name.padEnd(1024, '.')}\r\n--B--\r\n`,
  });
  const { entries } = (await answer.body.json()) as { entries: [{ id: string }] };
  return entries[0].id;
}

/** Do `count` things, a few at once. Returns how many a second. */
async function perSecond(count: number, work: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  const lane = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return count / ((performance.now() - startedMs) / 1000);
}

/** The most memory that a process ever held; undefined where the system does not tell. Units: MB. */
async function peakMb({ child }: Emulator): Promise<number | undefined> {
  const text = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
  const kib = /VmHWM:\s+(\d+) kB/.exec(text)?.[1];
  return kib === undefined ? undefined : (Number(kib) * 1024) / 1e6;
}

async function rates({ runs, quick, report }: BenchContext): Promise<void> {
  const emulator = await start([]);
  const [uploads, reads, listings]: [number[], number[], number[]] = [[], [], []];
  const count = quick ? 500 : 2000;
  let fileId = '';
  for (let run = 0; run < runs; run += 1) {
    const { id } = await call(emulator, 'POST', '/2.0/folders', { name: `run ${run}`, parent: { id: '0' } });
    uploads.push(
      await perSecond(count, async (index) => {
        fileId = await upload(emulator, id, `file ${index}`);
      }),
    );
    reads.push(await perSecond(count * 2, () => call(emulator, 'GET', `/2.0/files/${fileId}`)));
    listings.push(
      await perSecond(count / 4, () => call(emulator, 'GET', `/2.0/folders/${id}/items?limit=100`)),
    );
  }
  await stop(emulator);
  const cores = `of ${availableParallelism()} cores`;
  report({
    what: `direct uploads of 1 KB, ${cores}`,
    value: median(uploads),
    unit: '/s',
    goal: { of: 'value', atLeast: 500 },
  });
  report({
    what: `GET /files/:id, ${cores}`,
    value: median(reads),
    unit: '/s',
    goal: { of: 'value', atLeast: 2000 },
  });
  report({ what: 'GET /folders/:id/items?limit=100', value: median(listings), unit: '/s' });
}

async function* zeros(mebibytes: number, head: string, tail: string) {
  const piece = Buffer.alloc(MIB, 'large');
  yield Buffer.from(head);
  for (let sent = 0; sent < mebibytes; sent += 1) yield piece;
  yield Buffer.from(tail);
}

async function large({ folder, runs, quick, report }: BenchContext): Promise<void> {
  const mebibytes = quick ? 128 : 1024;
  const emulator = await start(['--data', join(folder, 'large')]);
  const [up, down]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    const head = `--B\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n${JSON.stringify({ name: `large ${run}`, parent: { id: '0' } })}\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`;
    let startedMs = performance.now();
    const answer = await emulator.pool.request({
      method: 'POST',
      path: '/api/2.0/files/content',
      headers: { ...emulator.headers, 'content-type': 'multipart/form-data; boundary=B' },
      body: zeros(mebibytes, head, '\r\n--B--\r\n') as never,
    });
    const { entries } = (await answer.body.json()) as { entries: [{ id: string }] };
    up.push(mebibytes / ((performance.now() - startedMs) / 1000));
    startedMs = performance.now();
    const redirect = await emulator.pool.request({
      method: 'GET',
      path: `/2.0/files/${entries[0].id}/content`,
      headers: emulator.headers,
    });
    await redirect.body.dump();
    const content = await fetch(String(redirect.headers['location']));
    for await (const _chunk of content.body ?? []);
    down.push(mebibytes / ((performance.now() - startedMs) / 1000));
    await emulator.pool.request({
      method: 'DELETE',
      path: `/2.0/files/${entries[0].id}`,
      headers: emulator.headers,
    });
  }
  report({ what: `${mebibytes} MiB up`, value: median(up), unit: 'MiB/s' });
  report({ what: `${mebibytes} MiB down`, value: median(down), unit: 'MiB/s' });
  const memory = await peakMb(emulator);
  if (memory !== undefined)
    report({
      what: `peak memory with ${mebibytes} MiB files`,
      value: memory,
      unit: 'MB',
      goal: { of: 'value', atMost: 200 },
    });
  await stop(emulator);
}

async function many({ folder, quick, report, note }: BenchContext): Promise<void> {
  const [folders, files] = quick ? [20, 2000] : [1000, 100_000];
  const data = ['--data', join(folder, 'many')];
  const emulator = await start(data);
  const ids: string[] = [];
  await perSecond(folders, async (index) => {
    ids[index] = (
      await call(emulator, 'POST', '/2.0/folders', { name: `folder ${index}`, parent: { id: '0' } })
    ).id;
  });
  const rate = await perSecond(files, async (index) => {
    await upload(emulator, ids[index % folders] ?? '0', `file ${index}`);
    if (index % 20_000 === 0) note(`${index} of ${files} files`);
  });
  report({ what: `uploads a second while it fills with ${files} files`, value: rate, unit: '/s' });
  const memory = await peakMb(emulator);
  if (memory !== undefined)
    report({
      what: `peak memory with ${files} files in ${folders} folders`,
      value: memory,
      unit: 'MB',
      goal: { of: 'value', atMost: 200 },
    });
  await stop(emulator);
  const startedMs = performance.now();
  const again = await start(data);
  await call(again, 'GET', `/2.0/folders/0/items?limit=1000`);
  report({ what: 'opening them again', value: (performance.now() - startedMs) / 1000, unit: 's' });
  await stop(again);
}

export async function measure(context: BenchContext): Promise<void> {
  const parts = { rates, large, many };
  for (const [name, part] of Object.entries(parts))
    if (context.words.length === 0 || context.words.includes(name)) await part(context);
}
