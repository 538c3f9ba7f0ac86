import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { FolderChange } from '../../src/sync/recording/recorded-folder.ts';
import { readRecording, recordedContents } from '../../src/sync/recording/recording-reader.ts';
import { type ReplayTarget, replay } from '../../src/sync/recording/replay.ts';
import { DirectoryTarget } from '../../src/sync/recording/replay-directory.ts';
import { eventually } from './eventually.ts';

interface PeersOptions {
  /** The recording's name. */
  readonly name: string;
  /** The folder that the programs share, below which the runs stand. */
  readonly shared: string;
  /** Which changes are those of the programs under test: they are awaited, not played. */
  readonly isOwn: (change: FolderChange) => boolean;
  /** The run's folder; null: the one that the server under test makes. */
  readonly run: string | null;
  /** Called after each change that was played: to wait for what it must bring about. */
  readonly onPlayed?: (change: FolderChange) => Promise<void>;
  /** Own changes that nobody waits for. */
  readonly isIdle?: (change: FolderChange) => boolean;
}

/** The recorded run's folder, or the one that the server under test has made instead. */
async function runIn(shared: string): Promise<string> {
  return eventually(async () => {
    const [run] = await readdir(shared);
    expect(run).toBeDefined();
    return run ?? '';
  });
}

/** What the recording shows must have come about: the file is there, with content where the recorded one has some. */
async function awaitFile(path: string, { kind, content }: FolderChange): Promise<void> {
  await eventually(async () => {
    if (kind === 'removed') return expect(access(path)).rejects.toThrow();
    const { size } = await stat(path);
    return expect(size > 0).toBe((content?.sizeBytes ?? 0) > 0);
  });
}

/**
 * Let a recording stand in for everybody who is not under test.
 *
 * Guarantees: what the others did happens in the recorded order, and only after the programs under test have done what
 * they had done by then in the recording.
 */
export async function playPeers(options: PeersOptions): Promise<void> {
  const { name, shared, isOwn, isIdle = () => false, onPlayed } = options;
  const path = fileURLToPath(new URL(`../../fixtures/recordings/${name}.jsonl.gz`, import.meta.url));
  const directory = new DirectoryTarget({
    directory: shared,
    contents: recordedContents(path),
    shared: true,
  });
  const target: ReplayTarget = {
    begin: () => directory.begin([]),
    async apply(change) {
      // The server makes the folders, so they are its own where it is under test.
      if (change.kind === 'folder' && options.run === null) return true;
      const [, ...names] = change.names;
      const run = options.run ?? (await runIn(shared));
      if (isOwn(change)) {
        if (!isIdle(change)) await awaitFile(join(shared, run, ...names), change);
        return true;
      }
      const isKnown = await directory.apply({ ...change, names: [run, ...names] });
      await onPlayed?.(change);
      return isKnown;
    },
  };
  await replay({
    lines: readRecording(path),
    target,
    clock: systemClock(),
    signal: new AbortController().signal,
    speed: 'max',
    until: null,
  });
}
