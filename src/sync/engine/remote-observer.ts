import type { RemoteId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import type { ChangeHint, RemoteStore } from '../remote/remote-store.ts';
import type { RemoteEntry } from '../tree/entry.ts';
import { concernsMirror, mayHideAll, placeOf } from './change-hints.ts';
import { MissedItems } from './missed-items.ts';
import type { Replica } from './replica.ts';

/** Whether the mirrored folder is visible; lost access is a state, never a deletion of everything. */
export type FolderView = 'visible' | 'lost';

/** Folders that are listed at the same time. */
const LISTINGS_MAX = 4;
/** Up to so many missing entries of one folder are asked for one by one; of more, a second listing and one of them. */
const CONFIRMATIONS_MAX = 3;
/** Where the index keeps that a new folder may not be listed yet. */
const UNLISTED = 'new_folders_unlisted';

export interface RemoteObserverOptions {
  readonly store: RemoteStore;
  readonly replica: Replica;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** False for folders whose content nobody wants to know. */
  readonly wanted: (entry: RemoteEntry) => boolean;
  readonly news?: RemoteNews;
}

/** Told of what the event feed brought that was not known. */
export interface RemoteNews {
  newEntry(): void;
  /** A file has a version so long after the one before. Units: milliseconds, by Box's clock. */
  newVersion(intervalMs: number): void;
  /** Something happened to an item, or to who may do what with all of them (null): what was refused may be granted now. */
  happened?(itemId: RemoteId | null): void;
}

/**
 * Looks at Box and keeps the remote tree equal to what it saw.
 *
 * Guarantees: events only say where to look, except that an event which shows a whole file, new or by its etag newer
 * than what is known in the same place, is that look; an entry counts as gone only when Box, asked for it, does not know it
 * or shows it elsewhere, and then shows the mirrored folder: out of sight is not deleted; what this program changed while
 * a listing was under way is not undone by that listing; the stream position is stored with what it covers.
 */
export class RemoteObserver {
  readonly #options: RemoteObserverOptions;
  #restMayFollow = false;
  /** Folders that events showed, to be listed. */
  readonly #newFolders: RemoteId[] = [];
  readonly #missed: MissedItems;

  constructor(options: RemoteObserverOptions) {
    this.#options = options;
    this.#missed = new MissedItems(options);
  }

  /** True when the feed may hold more than it told, of which no sign will come. */
  get restMayFollow(): boolean {
    return this.#restMayFollow;
  }

  /** Bring the remote tree up to date: by the feed where it reaches back far enough, else by listing everything. */
  async look(full: boolean): Promise<FolderView> {
    const { store, replica, signal } = this.#options;
    const position = replica.position;
    const interrupted = replica.index.meta(UNLISTED) === '1';
    if (full || position === undefined || interrupted) return this.#lookAtEverything();
    const page = await store.changes(position, signal);
    this.#tellWhatHappened(page.hints);
    if (page.gap || page.hints.some((hint) => mayHideAll(replica, hint))) return this.#lookAtEverything();
    await this.#follow(page.hints);
    if ((await this.#decideUnseen()) === 'lost') return 'lost';
    replica.apply({ position: page.position, alsoStore: this.#allListed });
    this.#restMayFollow = !page.ended;
    return 'visible';
  }

  /** Ask for one item again, because an op found it otherwise than planned. */
  async lookAtItem(id: RemoteId, kind: RemoteEntry['kind']): Promise<FolderView> {
    await this.#lookAt(id, kind);
    return this.#decideUnseen();
  }

  /** List one folder again, because an op found a name taken. */
  async lookAtFolder(id: RemoteId): Promise<FolderView> {
    await this.#listBelow([id], false);
    return this.#decideUnseen();
  }

  /** List a folder and all below it again. */
  async lookBelow(id: RemoteId): Promise<FolderView> {
    await this.#listBelow([id], true);
    return this.#decideUnseen();
  }

  /** Why the mirrored folder is not visible. */
  async whyLost(): Promise<'trashed' | 'hidden'> {
    const { store, replica, signal } = this.#options;
    const seen = await store.visibility(replica.remoteRoot.id, 'folder', signal);
    return seen === 'trashed' ? 'trashed' : 'hidden';
  }

  async #lookAtEverything(): Promise<FolderView> {
    const { store, replica, signal } = this.#options;
    // The position comes before the listing, so that what happens meanwhile is told again afterwards.
    const position = await store.position(signal);
    if (!(await this.#missed.isRootSeen())) return this.#lost();
    await this.#listBelow([replica.remoteRoot.id], true);
    if ((await this.#decideUnseen()) === 'lost') return 'lost';
    replica.apply({ position, alsoStore: this.#allListed });
    this.#restMayFollow = false;
    return 'visible';
  }

  /** Let what Box did not show count as gone, if it is. */
  async #decideUnseen(): Promise<FolderView> {
    return (await this.#missed.decide()) ? 'visible' : this.#lost();
  }

  /** What this program meant to change in the folder while it was out of sight may have had no effect: list it all after. */
  #lost(): 'lost' {
    this.#options.replica.apply({ alsoStore: this.#notAllListed });
    return 'lost';
  }

  #tellWhatHappened(hints: readonly ChangeHint[]): void {
    for (const { itemId, accessChanged } of hints)
      this.#options.news?.happened?.(accessChanged ? null : itemId);
  }

  /** List folders, and those below that are new or, when `deep`, all. */
  async #listBelow(start: readonly RemoteId[], deep: boolean): Promise<void> {
    const waiting = [...start];
    while (waiting.length > 0) {
      const batch = waiting.splice(0, LISTINGS_MAX);
      const below = await Promise.all(batch.map((id) => this.#listFolder(id, deep)));
      waiting.push(...below.flat());
    }
  }

  /** List one folder into the tree; returns the folders below it to list next. */
  async #listFolder(id: RemoteId, deep: boolean): Promise<RemoteId[]> {
    const { store, replica, signal } = this.#options;
    const before = replica.generation;
    const entries = await store.list(id, signal);
    if (entries === undefined) {
      await this.#lookAt(id, 'folder');
      return [];
    }
    const seen = new Set(entries.map((entry) => entry.id));
    // What another folder lacked may have moved here.
    for (const each of seen) this.#missed.found(each);
    const known = new Set(entries.filter((entry) => replica.remote.has(entry.id)).map((entry) => entry.id));
    // What this program changed since the listing began is known better than the listing tells.
    const news = entries.filter((entry) => !replica.touchedSince(entry.id, before));
    for (const entry of news) this.#tell(replica.remote.get(entry.id), entry);
    replica.apply({ putRemote: news });
    const missing = replica.remote
      .children(id)
      .filter((child) => !seen.has(child.id) && !replica.touchedSince(child.id, before));
    await this.#confirmMissing(id, missing);
    return entries
      .filter(
        (entry) => entry.kind === 'folder' && (deep || !known.has(entry.id)) && this.#options.wanted(entry),
      )
      .map((entry) => entry.id);
  }

  /** Absence from one listing proves nothing: ask again, one by one or by a second listing. */
  async #confirmMissing(folderId: RemoteId, missing: readonly RemoteEntry[]): Promise<void> {
    const [first] = missing;
    if (first === undefined) return;
    if (missing.length <= CONFIRMATIONS_MAX) {
      await Promise.all(missing.map((entry) => this.#lookAt(entry.id, entry.kind)));
      return;
    }
    const { store, replica, signal } = this.#options;
    const before = replica.generation;
    const again = await store.list(folderId, signal);
    if (again === undefined) return this.#lookAt(folderId, 'folder');
    const seen = new Set(again.map((entry) => entry.id));
    const absent = missing.filter((entry) => !seen.has(entry.id) && !replica.touchedSince(entry.id, before));
    const [sample] = absent;
    if (sample === undefined) return;
    await this.#lookAt(sample.id, sample.kind);
    // A listing that left out what Box shows when asked for it is no witness for the others either.
    const isWitness = this.#missed.has(sample.id) || replica.remote.get(sample.id)?.parentId !== folderId;
    if (isWitness) for (const entry of absent.slice(1)) this.#missed.add(entry.id);
    else this.#options.logger.warn({ folder: folderId }, 'a listing left out what is there');
  }

  /** Ask Box for one item and store the answer. */
  async #lookAt(id: RemoteId, kind: RemoteEntry['kind']): Promise<void> {
    const { store, replica, signal } = this.#options;
    const before = replica.generation;
    const entry = await store.get(id, kind, signal);
    if (replica.touchedSince(id, before)) return;
    const isRoot = id === replica.remoteRoot.id;
    const inside = entry !== undefined && entry.parentId !== null && replica.remote.has(entry.parentId);
    if (entry === undefined || !(inside || isRoot)) {
      this.#missed.add(id);
      return;
    }
    this.#missed.found(id);
    const known = replica.remote.get(id);
    const isNewFolder = entry.kind === 'folder' && known === undefined;
    this.#tell(known, entry);
    const standing = isRoot ? { ...entry, parentId: null } : entry;
    replica.apply({ putRemote: [standing], ...(isNewFolder ? { alsoStore: this.#notAllListed } : {}) });
    if (isNewFolder && this.#options.wanted(entry)) await this.#listBelow([id], true);
  }

  /** Look at what the hints name: one call for a lone item, one listing for several of one folder. */
  async #follow(hints: readonly ChangeHint[]): Promise<void> {
    const groups = this.#groupByFolder(hints);
    await this.#listBelow(this.#newFolders.splice(0), true);
    for (const [folderId, items] of groups) {
      const lone = items.size === 1 || folderId === null || !this.#options.replica.remote.has(folderId);
      if (!lone) await this.#listBelow([folderId], false);
      else for (const [id, kind] of items) await this.#lookAt(id, kind);
    }
  }

  #groupByFolder(hints: readonly ChangeHint[]): Map<RemoteId | null, Map<RemoteId, RemoteEntry['kind']>> {
    const folders = new Map<RemoteId | null, Map<RemoteId, RemoteEntry['kind']>>();
    for (const hint of hints) {
      if (hint.itemId === null || !concernsMirror(this.#options.replica, hint) || this.#isShown(hint))
        continue;
      const place = placeOf(this.#options.replica, hint);
      const items = folders.get(place) ?? new Map<RemoteId, RemoteEntry['kind']>();
      folders.set(place, items.set(hint.itemId, hint.kind ?? 'file'));
    }
    return folders;
  }

  /**
   * True when the event needs no look: it shows what is known already or an older state, as the echo of what this
   * program did itself does, or a newer version of the file in the same place, or a new entry, which then is known.
   */
  #isShown({ file, folder }: ChangeHint): boolean {
    const { replica } = this.#options;
    const shown = file ?? folder;
    if (shown === undefined) return false;
    const known = replica.remote.get(shown.id);
    if (known === undefined) return this.#takeIn(shown);
    if (file === undefined) return false;
    if (known.kind !== 'file' || file.parentId !== known.parentId || file.name !== known.name) return false;
    const [then, now] = [Number(file.etag), Number(known.etag)];
    if (!Number.isSafeInteger(then) || !Number.isSafeInteger(now)) return false;
    if (then > now) {
      this.#tell(known, file);
      replica.apply({ putRemote: [file] });
    }
    return true;
  }

  /**
   * A folder is known before what is in it is listed. When a failure or a crash comes in between, no event says so
   * again: a mark in the index, stored with the folder and gone with the position, has everything looked at instead.
   */
  readonly #notAllListed = (): void => this.#options.replica.index.setMeta(UNLISTED, '1');
  readonly #allListed = (): void => {
    const { index } = this.#options.replica;
    if (index.meta(UNLISTED) === '1') index.setMeta(UNLISTED, '');
  };

  /** Know an entry by the event of its making. That may come after the one of its removal, which no look would follow. */
  #takeIn(entry: RemoteEntry): boolean {
    const { replica, wanted } = this.#options;
    if (this.#missed.wasGone(entry.id)) return false;
    this.#tell(undefined, entry);
    replica.apply({
      putRemote: [entry],
      ...(entry.kind === 'folder' ? { alsoStore: this.#notAllListed } : {}),
    });
    // What was told of its content before is listed: such events concerned nobody yet.
    if (entry.kind === 'folder' && wanted(entry)) this.#newFolders.push(entry.id);
    return true;
  }

  #tell(known: RemoteEntry | undefined, entry: RemoteEntry): void {
    const { news } = this.#options;
    if (known === undefined) news?.newEntry();
    else if (known.kind === 'file' && entry.kind === 'file' && known.versionId !== entry.versionId)
      news?.newVersion(entry.receivedAtMs - known.receivedAtMs);
  }
}
