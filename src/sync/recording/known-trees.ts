import type { LocalId, RemoteId } from '../../ids.ts';
import type { LocalEntry, RemoteEntry } from '../tree/entry.ts';
import type { ReadonlyTree } from '../tree/tree.ts';
import { recordedLocal } from './recorded-disk.ts';
import { recordedEntry } from './recorded-entries.ts';
import type { Recorder } from './recorder.ts';

/** Entries of one line; more go into the next. */
const ENTRIES_PER_LINE = 500;

interface KnownTrees {
  readonly remote: ReadonlyTree<RemoteId, RemoteEntry>;
  readonly local: ReadonlyTree<LocalId, LocalEntry>;
  readonly rootId: RemoteId;
}

function* pieces<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let first = 0; first < items.length; first += ENTRIES_PER_LINE)
    yield items.slice(first, first + ENTRIES_PER_LINE);
}

/** Record what a mount knows before it looks: a recording that begins in the middle of a run starts from there. */
export function recordKnownTrees({ remote, local, rootId }: KnownTrees, recorder: Recorder): void {
  const entries = [...remote.values()].map(recordedEntry);
  for (const piece of pieces(entries))
    recorder.write({ kind: 'known-remote', root_id: rootId, entries: piece });
  const onDisk = [...local.values()].map((entry) =>
    recordedLocal(entry, local.pathOf(entry.id)?.join('/') ?? ''),
  );
  for (const piece of pieces(onDisk)) recorder.write({ kind: 'known-local', entries: piece });
}
