import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { replayCommand } from '../../../../src/cli/commands/replay.ts';
import { exitCodeOf } from '../../../../src/cli/exit-codes.ts';
import { describeError } from '../../../../src/cli/output.ts';
import { createProgram } from '../../../../src/cli/program.ts';
import { remoteId } from '../../../../src/ids.ts';
import type { RemoteEntry } from '../../../../src/sync/tree/entry.ts';
import { isWithin, Tree } from '../../../../src/sync/tree/tree.ts';
import { treeOf } from '../../../support/recordings.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hostile-recording-'));
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

type Entry = Readonly<Record<string, unknown>>;
const folder = (id: string, parent: string | null, name: string): Entry => ({
  kind: 'folder',
  id,
  parent_id: parent,
  name,
  etag: '0',
});
const file = (id: string, parent: string, name: string, more: Entry = {}): Entry => ({
  ...folder(id, parent, name),
  kind: 'file',
  sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  size_bytes: 0,
  modified_at_ms: 1,
  version: '1',
  created_by: null,
  modified_by: null,
  received_at_ms: 1,
  ...more,
});
const known = (rootId: string, ...entries: Entry[]) => ({ kind: 'known-remote', root_id: rootId, entries });
const told = (...entries: Entry[]) => ({
  kind: 'call',
  call: 'get',
  args: {},
  ms: 1,
  entries,
  gone: false,
  answer: {},
  fault: null,
});
const BEGIN = { kind: 'begin', format: 1, root: ['kf'], content_max_bytes: 10 };

/** Play a recording with the command; returns 0, or the error that ends it. */
async function play(...lines: Entry[]): Promise<unknown> {
  const path = join(directory, 'r.jsonl.gz');
  const text = lines.map((line, n) => `${JSON.stringify({ n, at_ms: 1000 + n, ...line })}\n`).join('');
  await writeFile(path, gzipSync(text));
  const words = ['replay', path, '--dir', join(directory, 'played'), '--quiet'];
  return createProgram('mila-sync', '', [replayCommand()])
    .parseAsync(words, { from: 'user' })
    .then(
      () => 0,
      (error: unknown) => error,
    );
}

const deep = Array.from({ length: 1_000 }, (_, depth) => folder(`${depth + 2}`, `${depth + 1}`, 'd'));

it.each<[string, Entry[]]>([
  ['a circle of folders', [BEGIN, known('1', folder('2', '3', 'a'), folder('3', '2', 'b'))]],
  ['a folder in itself', [BEGIN, known('1', folder('2', '2', 'a'))]],
  ['a longer circle', [BEGIN, told(folder('2', '3', 'a'), folder('3', '4', 'b'), folder('4', '2', 'c'))]],
  ['a file in a file', [BEGIN, known('1', file('2', '1', 'a'), file('3', '2', 'b'))]],
  [
    'a file with entries that were told before',
    [BEGIN, known('1', file('3', '2', 'b')), told(file('2', '1', 'a'))],
  ],
  ['a file that becomes a folder', [BEGIN, known('1', file('2', '1', 'a')), told(folder('2', '1', 'a'))]],
  ['a folder over a file of its name', [BEGIN, known('1', file('2', '1', 'a')), told(folder('3', '1', 'a'))]],
  ['the mirrored folder below another', [BEGIN, known('1'), known('2', folder('1', '2', 'z'))]],
  ['a time that no calendar has', [BEGIN, known('1', file('2', '1', 'a', { modified_at_ms: 1e300 }))]],
  ['a time of its own that no calendar has', [BEGIN, { ...known('1'), at_ms: 1e300 }]],
  ['an endless chain of folders', [BEGIN, known('1', ...deep)]],
  ['a file longer than disks', [BEGIN, known('1', file('2', '1', 'a', { size_bytes: 2 ** 52 }))]],
  ['a name longer than a disk takes', [BEGIN, known('1', file('2', '1', 'é'.repeat(255)))]],
  ['no begin', [known('1', file('2', '1', 'a'))]],
])('ends with exit code 4 and one line for a recording with %s', async (_, lines) => {
  const error = await play(...lines);
  expect(exitCodeOf(error)).toBe(4);
  expect(describeError(error)[0]).not.toContain('\n');
});

it('follows folders that changed places, in whatever order that was told', async () => {
  const outcome = await play(
    BEGIN,
    known('1', folder('2', '1', 'a'), folder('3', '2', 'b'), file('4', '3', 'x')),
    told({ ...folder('2', '3', 'a'), etag: '1' }),
    told({ ...folder('3', '1', 'b'), etag: '1' }),
    told(file('4', '3', 'x')),
  );
  expect(outcome).toBe(0);
  expect(await treeOf(join(directory, 'played', 'kf'))).toEqual({ b: 'folder', 'b/a': 'folder', 'b/x': '' });
});

it('goes through a tree with a circle once', () => {
  const tree = new Tree<ReturnType<typeof remoteId>, RemoteEntry>();
  const put = (id: string, parentId: string) =>
    tree.put({ kind: 'folder', id: remoteId(id), parentId: remoteId(parentId), name: id, etag: '0' });
  put('2', '3');
  put('3', '2');
  expect(tree.subtree(remoteId('2')).map(({ id }) => id)).toEqual(['2', '3']);
  expect(isWithin(tree, remoteId('2'), remoteId('9'))).toBe(false);
});
