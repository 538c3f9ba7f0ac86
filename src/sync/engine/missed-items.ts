import type { RemoteId } from '../../ids.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import type { Replica } from './replica.ts';

/** So many are asked for once more before all of them count as gone: a blink of access hides everything at once. */
const CONFIRMATIONS_MAX = 3;
/** So many entries found gone are remembered, for events about them that come late. */
const GONE_MAX = 1000;

interface MissedItemsOptions {
  readonly store: RemoteStore;
  readonly replica: Replica;
  readonly signal: AbortSignal;
}

/**
 * What Box did not show: the one place where entries come to count as gone, whatever missed them: an event's item, a
 * listing, an item that an op looked for, an item that stands elsewhere.
 *
 * Guarantees: they count as gone when the mirrored folder is visible afterwards and they still are not; else all of them
 * are, or were for a while, out of sight together with it.
 */
export class MissedItems {
  readonly #options: MissedItemsOptions;
  /** Until it is known whether Box shows the mirrored folder. */
  readonly #unseen = new Set<RemoteId>();
  /** What was last found gone or elsewhere. */
  readonly #gone = new Set<RemoteId>();

  constructor(options: MissedItemsOptions) {
    this.#options = options;
  }

  /** Box does not show it, or shows it outside the mirror. */
  add(id: RemoteId): void {
    if (this.#options.replica.remote.has(id)) this.#unseen.add(id);
    else this.#remember(id);
  }

  /** It was only elsewhere in the mirror. */
  found(id: RemoteId): void {
    this.#unseen.delete(id);
  }

  has(id: RemoteId): boolean {
    return this.#unseen.has(id);
  }

  /** Whether it was found gone before, so that a late event of its making tells nothing. */
  wasGone(id: RemoteId): boolean {
    return this.#gone.has(id);
  }

  /** Whether Box shows the mirrored folder now. */
  async isRootSeen(): Promise<boolean> {
    const { store, replica, signal } = this.#options;
    const root = await store.get(replica.remoteRoot.id, 'folder', signal);
    if (root !== undefined) replica.apply({ putRemote: [{ ...root, parentId: null }] });
    return root !== undefined;
  }

  /** Forget what is gone. Returns false, and forgets nothing, when it may only be out of sight. */
  async decide(): Promise<boolean> {
    if (this.#unseen.size === 0) return true;
    const unseen = [...this.#unseen];
    this.#unseen.clear();
    if (!(await this.isRootSeen())) return false;
    // Access that came back in between: the folder itself was out of sight, or what it held is shown again.
    if (unseen.includes(this.#options.replica.remoteRoot.id) || (await this.#showsAgain(unseen)))
      return false;
    for (const id of unseen) this.#forget(id);
    return true;
  }

  /** Whether Box shows in the mirror, now that the mirrored folder is visible, what it did not show before. */
  async #showsAgain(unseen: readonly RemoteId[]): Promise<boolean> {
    const { store, replica, signal } = this.#options;
    const known = unseen.flatMap((id) => replica.remote.get(id) ?? []).slice(0, CONFIRMATIONS_MAX);
    const shown = await Promise.all(known.map(({ id, kind }) => store.get(id, kind, signal)));
    return shown.some((entry) => entry?.parentId != null && replica.remote.has(entry.parentId));
  }

  #forget(id: RemoteId): void {
    const { replica } = this.#options;
    this.#remember(id);
    const below = replica.remote.subtree(id).map((node) => node.id);
    replica.apply({ removeRemote: below.reverse() });
  }

  #remember(id: RemoteId): void {
    this.#gone.add(id);
    const oldest = this.#gone.values().next();
    if (this.#gone.size > GONE_MAX && !oldest.done) this.#gone.delete(oldest.value);
  }
}
