import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../../src/clock.ts';
import { CorruptError } from '../../../src/errors.ts';
import { readRecording } from '../../../src/sync/recording/recording-reader.ts';
import { replay } from '../../../src/sync/recording/replay.ts';
import { DirectoryTarget } from '../../../src/sync/recording/replay-directory.ts';
import { type Dice, mutated } from '../../support/random-pickles.ts';
import type { FuzzTarget } from '../target.ts';

const pick = <Item>(dice: Dice, items: readonly Item[]): Item => items[dice(items.length)] as Item;
const EMPTY_SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
const IDS = ['1', '2', '3', '4', '5', '6', '', '__proto__'] as const;
const NAMES = ['a', 'b', 'A', 'c.txt', 'x'.repeat(255), '..', '.', '', 'a/b', 'nul\0', '\u001b[2J', '\ud800'];
const TIMES = [0, 1, 1.5, -1, 1_700_000_000_000, 1e300, -1e300, 253_402_300_799_999, 8.64e15, '1', null];
const SIZES = [0, 0, 7, 1_000, -1, 0.5, 1e15, 2 ** 53];

/** Mostly what stands in recordings, so that what comes of it goes deep. */
const often = <Item>(dice: Dice, usual: readonly Item[], rare: readonly Item[]): Item =>
  pick(dice, dice(20) === 0 ? rare : usual);

function anyEntry(dice: Dice): Record<string, unknown> {
  const entry = {
    kind: dice(3) === 0 ? 'file' : 'folder',
    id: often<unknown>(dice, IDS.slice(0, 6), [...IDS, null, 7]),
    parent_id: often<unknown>(dice, IDS.slice(0, 6), [...IDS, null]),
    name: often(dice, NAMES.slice(0, 5), NAMES),
    etag: String(dice(3)),
  };
  if (entry.kind === 'folder') return entry;
  const user = dice(2) === 0 ? null : { id: '9', name: pick(dice, NAMES) };
  return {
    ...entry,
    sha1: EMPTY_SHA1,
    size_bytes: often(dice, SIZES.slice(0, 4), SIZES),
    modified_at_ms: often<unknown>(dice, TIMES.slice(0, 5), TIMES),
    version: String(dice(3)),
    created_by: user,
    modified_by: user,
    received_at_ms: often<unknown>(dice, TIMES.slice(0, 5), TIMES),
  };
}

function anyLine(dice: Dice, n: number): Record<string, unknown> {
  const entries = Array.from({ length: dice(5) }, () => anyEntry(dice));
  const base = { n, at_ms: often<unknown>(dice, [n], TIMES) };
  const call = pick(dice, ['list', 'get', 'findFolder', 'remove', 'changes', 'upload', 'relocate']);
  const args = { id: pick(dice, IDS), path: dice(2) === 0 ? ['root'] : NAMES };
  switch (dice(4)) {
    case 0:
      return { ...base, kind: 'known-remote', root_id: often(dice, ['1'], IDS), entries };
    case 1:
      return dice(5) > 0
        ? { ...base, kind: 'content', sha1: EMPTY_SHA1, size_bytes: 0 }
        : { ...base, kind: 'begin', format: 1, root: ['again'], content_max_bytes: 10 };
    default:
      return {
        ...base,
        kind: 'call',
        call,
        args,
        ms: 1,
        entries,
        gone: dice(4) === 0,
        answer: {},
        fault: null,
      };
  }
}

function anyRecording(dice: Dice): Buffer {
  const begin = { n: 0, at_ms: 0, kind: 'begin', format: 1, root: ['root'], content_max_bytes: 10 };
  const first = dice(10) === 0 ? anyLine(dice, 0) : begin;
  const known = { n: 1, at_ms: 0, kind: 'known-remote', root_id: '1', entries: [] };
  const lines = [first, known, ...Array.from({ length: dice(30) }, (_, index) => anyLine(dice, index + 2))];
  const text = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return gzipSync(dice(5) === 0 ? mutated(dice, text) : text, { level: 1 });
}

/** A recording, played into a directory as `mila-sync replay --dir` does. */
export const RECORDING_TARGET: FuzzTarget = {
  name: 'recording',
  timeMaxMs: 2_000,
  memoryMaxMegabytes: 400,
  make: (dice) => (dice(8) === 0 ? mutated(dice, anyRecording(dice)) : anyRecording(dice)),
  read: async (input, scratch) => {
    const box = join(scratch, 'box');
    await rm(box, { recursive: true, force: true });
    await mkdir(box, { recursive: true });
    const path = join(scratch, 'recording.jsonl.gz');
    await writeFile(path, input);
    try {
      await replay({
        lines: readRecording(path),
        target: new DirectoryTarget({ directory: join(box, 'played'), contents: async () => undefined }),
        clock: systemClock(),
        signal: new AbortController().signal,
        speed: 'max',
        until: null,
      });
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
    }
    const outside = [...(await readdir(box)), ...(await readdir(scratch))].filter(
      (name) => !['played', 'box', 'recording.jsonl.gz'].includes(name),
    );
    if (outside.length > 0) throw new Error(`it wrote outside its directory: ${outside.join(', ')}`);
  },
};
