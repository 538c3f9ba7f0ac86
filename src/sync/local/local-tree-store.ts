import type { Clock } from '../../clock.ts';
import type { LocalId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import type { LocalEntry, LocalFolder } from '../tree/entry.ts';
import type { ReadonlyTree } from '../tree/tree.ts';
import type { MirrorRoot } from './mirror-root.ts';
import type { RootGuard } from './root-guard.ts';

/** The local tree as the observer needs it: read it, and store what was seen in one transaction. */
export interface LocalTreeStore {
  readonly local: ReadonlyTree<LocalId, LocalEntry>;
  readonly localRoot: LocalFolder;
  nextLocalId(): LocalId;
  storeLocal(changes: { readonly put: readonly LocalEntry[]; readonly remove: readonly LocalId[] }): void;
}

/** What looking at the disk needs. */
export interface LocalObserverOptions {
  readonly root: MirrorRoot;
  readonly store: LocalTreeStore;
  /** True for paths that are not looked at. */
  readonly ignored: (names: readonly string[], kind: 'file' | 'folder') => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Knows the mirrored folder again; default: whatever folder stands there at first. */
  readonly guard?: RootGuard;
  /** Called when something that was looked at beside the loop is known: look again. */
  readonly onNews?: () => void;
  /** Told which files somebody holds open for writing, in sentences; of none, when that is over. */
  readonly onHeldOpen?: (texts: readonly string[]) => void;
}
