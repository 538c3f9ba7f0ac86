import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConfigError, CorruptError, StateError, TransientError } from '../../../../src/errors.ts';
import { RecordedStore } from '../../../../src/sync/recording/recorded-store.ts';
import { recordedContents } from '../../../../src/sync/recording/recording-reader.ts';
import { MemoryStore } from '../../../../src/sync/remote/memory-store.ts';
import { MEMORY_ROOT } from '../../../../src/sync/remote/memory-world.ts';
import { sha1 as sha1Of, sourceOf } from '../../../contract/remote-store/source.ts';
import { linesOf, openTestRecorder } from '../../../support/recordings.ts';
import { FakeClock } from '../box/fake-clock.ts';

const sha1 = (text: string) => sha1Of(Buffer.from(text));

let directory = '';
let path = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'recorder-'));
  path = join(directory, 'session.jsonl.gz');
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

it('can be read while it is written, up to half a second ago', async () => {
  const clock = new FakeClock();
  const recorder = await openTestRecorder(path, { clock });
  recorder.write({ kind: 'seen', put: [], removed: ['a'] });
  await clock.advance(499);
  expect((await stat(path)).size).toBe(0);
  await clock.advance(1);
  expect((await linesOf(path)).map(({ kind, n }) => [kind, n])).toEqual([
    ['begin', 0],
    ['seen', 1],
  ]);
  await recorder.close();
  expect((await linesOf(path)).at(-1)).toMatchObject({ kind: 'end', reason: 'closed' });
});

it('is for its owner’s eyes only', async () => {
  const recorder = await openTestRecorder(path);
  recorder.keep(Buffer.from('content'));
  await recorder.close();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(`${path}.contents`)).mode & 0o777).toBe(0o700);
  expect((await stat(join(`${path}.contents`, sha1('content')))).mode & 0o777).toBe(0o600);
});

it('goes on in the same file after a restart', async () => {
  await (await openTestRecorder(path)).close();
  await (await openTestRecorder(path)).close();
  expect((await linesOf(path)).map(({ kind }) => kind)).toEqual(['begin', 'end', 'begin', 'end']);
});

it('keeps contents once, under their hash, and long ones not at all', async () => {
  const recorder = await openTestRecorder(path, { contentMaxBytes: 10 });
  for (const content of ['0123456789', '0123456789', '0123456789a', '']) recorder.keep(Buffer.from(content));
  await recorder.close();
  expect((await readdir(`${path}.contents`)).sort()).toEqual([sha1('0123456789'), sha1('')].sort());
  const contents = recordedContents(path);
  expect(await contents(sha1('0123456789'), 10)).toEqual(Buffer.from('0123456789'));
  expect(await contents(sha1('0123456789a'), 11)).toBeUndefined();
  // What somebody changed afterwards is not given for what it was.
  await writeFile(join(`${path}.contents`, sha1('0123456789')), '012345678x');
  expect(await contents(sha1('0123456789'), 10)).toBeUndefined();
});

it('ends at its limit, and says so', async () => {
  const recorder = await openTestRecorder(path, { totalMaxBytes: 200_000 });
  for (let index = 0; index < 40; index += 1) recorder.keep(Buffer.alloc(10_000, index));
  await recorder.close();
  recorder.write({ kind: 'seen', put: [], removed: [] });
  const lines = await linesOf(path);
  expect(lines.at(-1)).toMatchObject({ kind: 'end', reason: 'limit' });
  expect((await readdir(`${path}.contents`)).length).toBeLessThan(40);
});

it('gives the lines before a cut, wherever the cut is', async () => {
  const recorder = await openTestRecorder(path);
  for (let index = 0; index < 20; index += 1) {
    recorder.write({ kind: 'seen', put: [], removed: [`file ${index}`] });
    recorder.flush();
  }
  await recorder.close();
  const whole = await linesOf(path);
  const { size } = await stat(path);
  let before = 0;
  for (const cut of [20, 100, Math.floor(size / 2), size - 3]) {
    await rm(path, { force: true });
    await writeFile(path, '');
    const again = await openTestRecorder(path);
    await again.close();
    await writeFile(path, Buffer.concat(whole.map((line) => gzipSync(`${JSON.stringify(line)}\n`))));
    const { size: full } = await stat(path);
    await truncate(path, Math.max(cut, Math.floor((cut / size) * full)));
    const lines = await linesOf(path).catch(() => []);
    expect(lines).toEqual(whole.slice(0, lines.length));
    expect(lines.length).toBeGreaterThanOrEqual(before);
    before = lines.length;
  }
  expect(before).toBeGreaterThan(15);
});

it('says what is wrong with a file that is no recording', async () => {
  await expect(linesOf(path)).rejects.toThrow(StateError);
  await writeFile(path, 'not gzip');
  await expect(linesOf(path)).rejects.toThrow(CorruptError);
  await writeFile(path, gzipSync('{"kind":"begin"}\n'));
  await expect(linesOf(path)).rejects.toThrow('line 1 has not the documented form');
  await expect(openTestRecorder(join(path, 'below a file'))).rejects.toThrow(ConfigError);
});

it('holds no word of an error, and no token', async () => {
  const clock = new FakeClock();
  const recorder = await openTestRecorder(path, { clock });
  const leak = new TransientError({
    code: 'unreachable',
    message: 'GET https://dl.boxcloud.com/?access_token=SECRET failed',
    data: { token: 'SECRET' },
  });
  const memory = new MemoryStore({
    clock,
    user: { id: '1', name: 'one' },
    fault: () => ({ kind: 'fail', error: leak }),
  });
  const store = new RecordedStore(memory, recorder, clock);
  await expect(store.list(MEMORY_ROOT)).rejects.toBe(leak);
  const save = () => expect.fail('the state of an upload is not the recording’s');
  const resumption = { load: () => 'SECRET', save, clear: save };
  await expect(
    store.upload({ parentId: MEMORY_ROOT, name: 'a', source: sourceOf('x') }, { resumption }),
  ).rejects.toBe(leak);
  await recorder.close();
  const lines = await linesOf(path);
  expect(lines.filter(({ kind }) => kind === 'call').map((line) => 'fault' in line && line.fault)).toEqual([
    { class: 'TransientError', code: 'unreachable' },
    { class: 'TransientError', code: 'unreachable' },
  ]);
  expect(JSON.stringify(lines)).not.toContain('SECRET');
  expect((await readFile(path)).includes('SECRET')).toBe(false);
});
