import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, delay } from '../../clock.ts';
import { StateError } from '../../errors.ts';
import { remoteId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import { bytesOf } from '../engine/lanes.ts';
import { pathOf } from '../engine/op-keys.ts';
import { RemoteObserver } from '../engine/remote-observer.ts';
import { Replica } from '../engine/replica.ts';
import { VersionIndex } from '../index/version-index.ts';
import { LocalObserver } from '../local/local-observer.ts';
import { MirrorRoot, type MountLayout } from '../local/mirror-root.ts';
import { RootGuard } from '../local/root-guard.ts';
import type { Filter, OpKind, Problem } from '../plan/op.ts';
import { rehearse } from '../plan/rehearsal.ts';
import type { RemoteCallLedger, RemoteStore } from '../remote/remote-store.ts';
import type { RemoteFolder } from '../tree/entry.ts';
import { lockOwner } from './lock-owner.ts';
import { indexPath, lockPath } from './mount.ts';
import { Pins } from './pins.ts';
import { adoptSelection, assertSameMount } from './remembered.ts';
import { folderMissing } from './remote-root.ts';

export interface DryRunOptions {
  readonly layout: MountLayout;
  /** For whom: "server", or a client's name. */
  readonly participant?: string;
  /** True on the server's side: a missing folder in Box would be created. */
  readonly createRoot: boolean;
  /** A store that creates nothing by being opened. */
  readonly openStore: (ledger: RemoteCallLedger) => Promise<RemoteStore>;
  readonly filter: Filter;
  readonly selection: string;
  readonly deletionsMax?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** One thing that a mount would do. */
export interface PlannedStep {
  readonly op: OpKind;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface DryRun {
  readonly steps: readonly PlannedStep[];
  readonly problems: readonly Problem[];
  readonly held: { readonly count: number; readonly limit: number } | null;
  /** True when not even the mirrored folder exists in Box yet. */
  readonly rootMissing: boolean;
}

/** A disk that is written to all the time is planned on as it was last understood. */
const SETTLE_MAX_MS = 60_000;
const LOOK_MS = 50;

/**
 * Find out what a mount would do.
 *
 * Guarantees: reads only, in Box and on the disk; works on a copy of the index in the system's temporary folder, which
 * is removed afterwards. Errors: StateError 'already-mounted'; AuthError and TransientError from Box.
 */
export async function dryRun(options: DryRunOptions): Promise<DryRun> {
  const { layout } = options;
  if ((await lockOwner(lockPath(layout))) !== undefined) {
    throw new StateError({
      code: 'already-mounted',
      message: `${layout.directory} is mounted, so its plans are being carried out`,
      hint: 'See `mila-sync status`, or stop it with `mila-sync unmount` first.',
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'mila-sync-dry-run-'));
  try {
    for (const suffix of ['', '-wal'])
      await copyFile(`${indexPath(layout)}${suffix}`, join(folder, `index.sqlite${suffix}`)).catch(
        () => undefined,
      );
    const index = VersionIndex.open(join(folder, 'index.sqlite'));
    try {
      assertSameMount(index, layout, options.participant);
      return await rehearseOn(index, options);
    } finally {
      index.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rehearseOn(index: VersionIndex, options: DryRunOptions): Promise<DryRun> {
  const store = await options.openStore(() => undefined);
  try {
    const { layout, signal } = options;
    if ((await store.findFolder(layout.rootPath.slice(0, 1), signal)) === undefined)
      throw await folderMissing({ store, path: layout.rootPath });
    const found = await store.findFolder(layout.rootPath, signal);
    adoptSelection(index, options.filter, options.selection);
    const replica = Replica.open(index, found ?? folderToBe(layout));
    const filter = new Pins(index).applied(options.filter);
    const ignored = (names: readonly string[], kind: 'file' | 'folder') => filter(names, kind) === 'ignore';
    const wanted: ConstructorParameters<typeof RemoteObserver>[0]['wanted'] = (entry) =>
      !ignored(replica.remote.pathOf(entry.id) ?? [], entry.kind);
    if (found !== undefined) {
      const view = await new RemoteObserver({ ...options, store, replica, wanted }).look(false);
      if (view === 'lost') throw await folderMissing({ store, path: layout.rootPath });
    }
    await lookAtDisk(replica, ignored, options);
    const steps: PlannedStep[] = [];
    const { problems, held } = rehearse(replica, {
      filter,
      ...(options.deletionsMax === undefined ? {} : { deletionsMax: options.deletionsMax }),
      onOp: (op) => steps.push({ op: op.kind, path: pathOf(op, replica), sizeBytes: bytesOf(op) }),
    });
    const summary = held === null ? null : { count: held.count, limit: held.limit };
    return { steps, problems, held: summary, rootMissing: found === undefined };
  } finally {
    await store.close();
  }
}

async function lookAtDisk(
  replica: Replica,
  ignored: (names: readonly string[], kind: 'file' | 'folder') => boolean,
  { layout, clock, logger, signal }: DryRunOptions,
): Promise<void> {
  const root = new MirrorRoot(layout);
  const guard = new RootGuard({ root, memory: replica, logger });
  const observer = new LocalObserver({ root, store: replica, ignored, clock, logger, signal, guard });
  const deadlineMs = clock.monotonic() + SETTLE_MAX_MS;
  observer.hintAll();
  await observer.look();
  while (!observer.rootMissing && !observer.settled && clock.monotonic() < deadlineMs) {
    await delay(clock, LOOK_MS, signal);
    signal.throwIfAborted();
    await observer.look();
  }
}

/** Stands for the mirrored folder where Box does not have it yet. */
function folderToBe({ rootPath }: MountLayout): RemoteFolder {
  return { kind: 'folder', id: remoteId('to-be'), parentId: null, name: rootPath.at(-1) ?? '', etag: '0' };
}
