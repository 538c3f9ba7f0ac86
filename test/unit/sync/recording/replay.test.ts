import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CorruptError, StateError } from '../../../../src/errors.ts';
import { RecordedFolder } from '../../../../src/sync/recording/recorded-folder.ts';
import type { RecordedRemoteEntry, RecordingLine } from '../../../../src/sync/recording/recording-line.ts';
import { type ReplayOptions, replay } from '../../../../src/sync/recording/replay.ts';
import { DirectoryTarget } from '../../../../src/sync/recording/replay-directory.ts';
import { sha1 as sha1Of } from '../../../contract/remote-store/source.ts';
import { eventually } from '../../../support/eventually.ts';
import { treeOf } from '../../../support/recordings.ts';
import { FakeClock } from '../box/fake-clock.ts';

const AT = Date.UTC(2023, 0, 16, 10);
const sha1 = (text: string) => sha1Of(Buffer.from(text));
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

let count = 0;
const stamp = (seconds: number) => ({ n: count++, at_ms: AT + seconds * 1000 });

function begin(root: string[] = ['shared', 'runs']): RecordingLine {
  count = 0;
  return { ...stamp(0), kind: 'begin', format: 1, root, content_max_bytes: 100 };
}

function call(
  seconds: number,
  name: 'get' | 'list' | 'findFolder' | 'remove' | 'upload',
  args: Record<string, unknown>,
  entries: RecordedRemoteEntry[],
  gone = false,
): RecordingLine {
  return { ...stamp(seconds), kind: 'call', call: name, args, ms: 1, entries, gone, answer: {}, fault: null };
}

const folder = (id: string, parent: string, name: string, etag = '0'): RecordedRemoteEntry => ({
  kind: 'folder',
  id,
  parent_id: parent,
  name,
  etag,
});

function file(id: string, parent: string, name: string, content: string, etag = '0'): RecordedRemoteEntry {
  const user = { id: '1', name: 'a' };
  return {
    kind: 'file',
    id,
    parent_id: parent,
    name,
    etag,
    sha1: sha1(content),
    size_bytes: content.length,
    modified_at_ms: AT + 500,
    version: `${id}.${etag}`,
    created_by: user,
    modified_by: user,
    received_at_ms: AT + 1000,
  };
}

const CONTENTS = new Map(['one', 'two', 'three'].map((content) => [sha1(content), Buffer.from(content)]));
const FOUND = () => call(0, 'findFolder', { path: ['shared', 'runs'] }, [folder('10', '9', 'runs')]);

async function play(lines: readonly RecordingLine[], options: Partial<ReplayOptions> = {}) {
  async function* each() {
    yield* lines;
  }
  const target = new DirectoryTarget({
    directory: join(directory, 'd'),
    contents: async (hash) => CONTENTS.get(hash),
  });
  return replay({
    lines: each(),
    target,
    clock: new FakeClock(),
    signal: new AbortController().signal,
    speed: 'max',
    until: null,
    ...options,
  });
}

const played = () => treeOf(join(directory, 'd', 'shared', 'runs'));

it('shows the folder as its listings and answers told of it', async () => {
  const summary = await play([
    begin(),
    FOUND(),
    call(1, 'list', { id: '11' }, [file('12', '11', 'x.txt', 'one')]),
    call(2, 'list', { id: '10' }, [folder('11', '10', 'run'), file('13', '10', 'y.txt', 'two')]),
    call(3, 'get', { id: '12' }, [file('12', '11', 'x.txt', 'three', '1')]),
    call(4, 'list', { id: '10' }, [folder('11', '10', 'run')]),
  ]);
  expect(await played()).toEqual({ run: 'folder', 'run/x.txt': 'three' });
  expect(summary).toEqual({ changes: 5, unknownContents: 0, firstAtMs: AT, lastAtMs: AT + 4000 });
  expect((await stat(join(directory, 'd/shared/runs/run/x.txt'))).mtimeMs).toBe(AT + 500);
});

it('begins with what the mount knew already, in whatever order it is told', async () => {
  const known = (entries: RecordedRemoteEntry[]): RecordingLine => ({
    ...stamp(1),
    kind: 'known-remote',
    root_id: '10',
    entries,
  });
  const root: RecordedRemoteEntry = { kind: 'folder', id: '10', parent_id: null, name: 'runs', etag: '0' };
  const summary = await play([
    begin(),
    known([file('12', '11', 'x.txt', 'one')]),
    known([folder('11', '10', 'run'), root]),
    call(2, 'list', { id: '10' }, [folder('11', '10', 'run')]),
    call(2, 'list', { id: '11' }, [file('12', '11', 'x.txt', 'one')]),
    { ...begin(), at_ms: AT + 5000 },
    known([root, folder('11', '10', 'run'), file('12', '11', 'x.txt', 'one')]),
  ]);
  expect(await played()).toEqual({ run: 'folder', 'run/x.txt': 'one' });
  expect(summary.changes).toBe(2);
});

it('follows moves and removals, and ignores answers that newer ones overtook', async () => {
  await play([
    begin(),
    FOUND(),
    call(1, 'list', { id: '10' }, [folder('11', '10', 'old'), file('13', '10', 'y.txt', 'two', '2')]),
    call(2, 'list', { id: '11' }, [file('12', '11', 'x.txt', 'one')]),
    call(3, 'get', { id: '11' }, [folder('11', '10', 'new', '1')]),
    call(4, 'get', { id: '13' }, [file('13', '10', 'y.txt', 'one', '1')]),
    call(5, 'remove', { id: '12' }, [], true),
  ]);
  expect(await played()).toEqual({ new: 'folder', 'y.txt': 'two' });
});

it('lets a content that is not known stand in by its length, and counts it', async () => {
  const summary = await play([
    begin(),
    FOUND(),
    call(1, 'list', { id: '10' }, [file('12', '10', 'big.pt', 'unknown')]),
  ]);
  expect(summary.unknownContents).toBe(1);
  expect(await played()).toEqual({ 'big.pt': '\0'.repeat(7) });
});

it('plays up to a time, by the clock or from the beginning', async () => {
  const lines = [
    begin(),
    FOUND(),
    call(1, 'list', { id: '10' }, [file('12', '10', 'x', 'one')]),
    call(9, 'get', { id: '13' }, [file('13', '10', 'y', 'two')]),
  ];
  expect((await play(lines, { until: { afterMs: 5000 } })).changes).toBe(1);
  await rm(join(directory, 'd'), { recursive: true });
  expect((await play(lines, { until: { atMs: AT + 9000 } })).changes).toBe(2);
});

it('waits as long as the recording did, divided by the speed', async () => {
  const clock = new FakeClock();
  const seen: number[] = [];
  const lines = [
    begin(),
    FOUND(),
    call(1, 'get', { id: '12' }, [file('12', '10', 'x', 'one')]),
    call(61, 'get', { id: '13' }, [file('13', '10', 'y', 'two')]),
  ];
  // No disk: its time is not this clock's.
  const target = { begin: async () => {}, apply: async () => true };
  const playing = play(lines, { target, clock, speed: 10, onChange: () => seen.push(clock.now()) });
  await eventually(() => expect(seen).toHaveLength(1));
  const began = clock.now();
  while (seen.length < 2 && clock.now() - began < 20_000) await clock.advance(100);
  await playing;
  expect((seen[1] ?? 0) - began).toBeGreaterThanOrEqual(6000);
  expect((seen[1] ?? 0) - began).toBeLessThanOrEqual(6200);
});

it('goes step by step and ends when told', async () => {
  const lines = [
    begin(),
    FOUND(),
    call(1, 'list', { id: '10' }, [file('12', '10', 'x', 'one'), file('13', '10', 'y', 'two')]),
  ];
  const asked: string[] = [];
  const step = async ({ names }: { readonly names: readonly string[] }) => {
    asked.push(names.join('/'));
    return asked.length < 2;
  };
  expect((await play(lines, { step })).changes).toBe(1);
  expect(asked).toEqual(['x', 'y']);
});

it.each(['..', 'a/b', '', '.', 'a\0b'])('refuses a recording with the name %j', async (name) => {
  const lines = [begin(), FOUND(), call(1, 'get', { id: '12' }, [file('12', '10', name, 'one')])];
  await expect(play(lines)).rejects.toThrow(CorruptError);
  await expect(play([begin(['shared', name])])).rejects.toThrow(CorruptError);
  expect(() => new RecordedFolder().apply(begin([name]))).toThrow(CorruptError);
});

it('touches nothing in a directory that is not empty', async () => {
  await play([begin()]);
  await expect(play([begin()])).rejects.toThrow(StateError);
});
