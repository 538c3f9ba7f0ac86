import { MilaError, RejectedError, StaleError, TransientError } from '../../errors.ts';
import { type RemoteId, remoteId } from '../../ids.ts';
import type { Relocation, Removal, Visibility } from '../remote/remote-store.ts';
import type { EntryKind, RemoteEntry, RemoteFolder } from '../tree/entry.ts';
import { type BoxItem, ENTRY_FIELDS, kindOf, readItem, toEntry, toFolder } from './entries.ts';
import { readItemPage } from './item-page.ts';
import { type Conflict, refusalOf } from './refusal.ts';
import { ask, type BoxSession, cancellable, readPlainly } from './session.ts';
import { writeOnce } from './write-once.ts';

/** The top of every account. */
export const ROOT_ID: RemoteId = remoteId('0');

const FIELDS = [...ENTRY_FIELDS];
/** In a listing, the parent is the folder that was listed. */
const LISTED_FIELDS = FIELDS.filter((field) => field !== 'parent');
/** Box's largest page. */
const PAGE_SIZE = 1000;
/** A million entries in one folder; more is a listing that does not end. */
const PAGES_MAX = 1000;

/** True for an item that is not there, not visible, or in the trash. */
export function isGone(error: unknown): boolean {
  return error instanceof StaleError && error.code === 'gone';
}

/** Files and folders as items: looking, naming, moving, removing. */
export class BoxItems {
  readonly #session: BoxSession;

  constructor(session: BoxSession) {
    this.#session = session;
  }

  async item(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<BoxItem | undefined> {
    try {
      return await this.#look(id, kind, FIELDS, signal);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async #look(
    id: RemoteId,
    kind: EntryKind,
    fields: string[],
    signal: AbortSignal | undefined,
  ): Promise<BoxItem> {
    const { files, folders } = this.#session.client;
    const optionals = { queryParams: { fields }, ...cancellable(signal) };
    const json = await ask(signal, () =>
      kind === 'file' ? files.getFileById(id, optionals) : folders.getFolderById(id, optionals),
    );
    return readItem(json);
  }

  /** Whether an item is seen, in the trash, or not seen. Box refuses to show a trashed folder, and shows a trashed file. */
  async visibility(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<Visibility> {
    try {
      const { item_status: status } = await this.#look(id, kind, ['item_status'], signal);
      if (status === 'trashed') return 'trashed';
      return status === 'deleted' ? 'hidden' : 'visible';
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal?.boxCode === 'trashed') return 'trashed';
      // A refusal without Box's code may be a proxy's, which knows nothing of the item.
      const notAllowed = refusal?.status === 403 && refusal.boxCode !== undefined;
      if (isGone(error) || (notAllowed && error instanceof RejectedError)) return 'hidden';
      throw error;
    }
  }

  async get(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<RemoteEntry | undefined> {
    const item = await this.item(id, kind, signal);
    return item === undefined ? undefined : toEntry(item);
  }

  async list(folderId: RemoteId, signal?: AbortSignal): Promise<readonly RemoteEntry[] | undefined> {
    const entries = new Map<RemoteId, RemoteEntry>();
    try {
      for await (const page of this.pages(folderId, signal)) {
        // An item that moves between two pages may show up twice: the later word counts.
        for (const entry of page) entries.set(entry.id, entry);
      }
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
    return [...entries.values()];
  }

  /** The entries of a folder, page by page. Errors: StaleError 'gone' · TransientError 'listing-endless'. */
  async *pages(folderId: RemoteId, signal?: AbortSignal): AsyncGenerator<readonly RemoteEntry[]> {
    let marker: string | undefined;
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const query = {
        fields: LISTED_FIELDS.join(','),
        usemarker: 'true',
        limit: String(PAGE_SIZE),
        ...(marker === undefined ? {} : { marker }),
      };
      const json = await readPlainly(this.#session, `folders/${folderId}/items`, query, signal);
      const page = readItemPage(json);
      yield this.#listed(page.items, folderId);
      if (page.nextMarker === undefined) return;
      if (page.nextMarker === marker) break;
      marker = page.nextMarker;
    }
    throw new TransientError({
      code: 'listing-endless',
      message: `The listing of folder ${folderId} does not come to an end`,
    });
  }

  #listed(items: readonly BoxItem[], folderId: RemoteId): RemoteEntry[] {
    const entries: RemoteEntry[] = [];
    for (const item of items) {
      const entry = toEntry(item);
      if (entry !== undefined) entries.push({ ...entry, parentId: folderId });
      else this.#session.logger.debug({ id: item.id, type: item.type }, 'skipped what is no file or folder');
    }
    return entries;
  }

  /** Who holds a name in a folder, in one call whatever the folder's size. */
  async holderOf(parentId: RemoteId, name: string, signal?: AbortSignal): Promise<Conflict | undefined> {
    try {
      await ask(signal, () =>
        this.#session.client.uploads.preflightFileUploadCheck({ name, parent: { id: parentId } }, {}, signal),
      );
      return undefined;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal?.boxCode === 'item_name_in_use' && refusal.conflict) return refusal.conflict;
      throw error;
    }
  }

  /** The entry behind a conflict; undefined when it is gone meanwhile, or is neither file nor folder. */
  async holder(conflict: Conflict, signal?: AbortSignal): Promise<RemoteEntry | undefined> {
    const kind = kindOf(conflict.type);
    return kind === undefined ? undefined : this.get(remoteId(conflict.id), kind, signal);
  }

  createFolder(parentId: RemoteId, name: string, signal?: AbortSignal): Promise<RemoteFolder> {
    const { client, transport } = this.#session;
    const adopt = async (conflict: Conflict | undefined): Promise<RemoteFolder | undefined> => {
      const entry = conflict && (await this.holder(conflict, signal));
      return entry?.kind === 'folder' && entry.name === name ? entry : undefined;
    };
    return writeOnce(transport, {
      signal,
      attempt: async (uncertain) => {
        try {
          const json = await ask(signal, () =>
            client.folders.createFolder(
              { name, parent: { id: parentId } },
              { queryParams: { fields: FIELDS }, ...cancellable(signal) },
            ),
          );
          return toFolder(readItem(json));
        } catch (error) {
          // A folder that an unanswered try created late is ours.
          const conflict = uncertain ? refusalOf(error)?.conflict : undefined;
          const own = await adopt(conflict);
          if (own !== undefined) return own;
          throw error;
        }
      },
      look: async () => adopt(await this.holderOf(parentId, name, signal)),
    });
  }

  async relocate(relocation: Relocation, signal?: AbortSignal): Promise<RemoteEntry> {
    const { id, kind, parentId, name, etag } = relocation;
    const before = await this.get(id, kind, signal);
    if (before === undefined) throw goneError(id, kind);
    const isThere = (entry: RemoteEntry) => entry.parentId === parentId && entry.name === name;
    if (isThere(before)) return before;
    // Box does not hold a move to its If-Match, so the etag is compared here, right before.
    if (before.etag !== etag) throw movedOnError(id, before.etag, etag);
    const arrived = async () => {
      const entry = await this.get(id, kind, signal);
      return entry !== undefined && isThere(entry) ? entry : undefined;
    };
    return writeOnce(this.#session.transport, {
      signal,
      attempt: async (uncertain) => {
        try {
          return await this.#update(relocation, before, signal);
        } catch (error) {
          const own = uncertain && error instanceof StaleError ? await arrived() : undefined;
          if (own !== undefined) return own;
          throw error;
        }
      },
      look: arrived,
    });
  }

  async #update(relocation: Relocation, before: RemoteEntry, signal?: AbortSignal): Promise<RemoteEntry> {
    const { files, folders } = this.#session.client;
    const { id, kind, parentId, name, etag } = relocation;
    const optionals = {
      requestBody: {
        ...(before.name === name ? {} : { name }),
        ...(before.parentId === parentId ? {} : { parent: { id: parentId } }),
      },
      queryParams: { fields: FIELDS },
      headers: { ifMatch: etag },
      ...cancellable(signal),
    };
    const json = await ask(signal, () =>
      kind === 'file' ? files.updateFileById(id, optionals) : folders.updateFolderById(id, optionals),
    );
    const entry = toEntry(readItem(json));
    if (entry === undefined) throw goneError(id, kind);
    return entry;
  }

  remove({ id, kind, etag }: Removal, signal?: AbortSignal): Promise<'removed' | 'unseen'> {
    const { files, folders } = this.#session.client;
    const headers = { ifMatch: etag };
    const isAway = async (): Promise<'unseen' | undefined> =>
      (await this.get(id, kind, signal)) === undefined ? 'unseen' : undefined;
    return writeOnce<'removed' | 'unseen'>(this.#session.transport, {
      signal,
      attempt: async () => {
        try {
          await ask(signal, async () => {
            if (kind === 'file') await files.deleteFileById(id, { headers, ...cancellable(signal) });
            else {
              const queryParams = { recursive: true };
              await folders.deleteFolderById(id, { queryParams, headers, ...cancellable(signal) });
            }
            return undefined;
          });
        } catch (error) {
          if (isGone(error)) return 'unseen';
          // For an item that is gone, Box may answer that its etag does not match.
          const etagMoved = error instanceof MilaError && error.code === 'etag-moved';
          if (!etagMoved || (await isAway()) === undefined) throw error;
          return 'unseen';
        }
        return 'removed';
      },
      look: isAway,
    });
  }
}

/** The item that an operation was about is not there any more. */
export function goneError(id: RemoteId, kind: EntryKind): StaleError {
  return new StaleError({
    code: 'gone',
    message: `The ${kind} ${id} is gone or not visible to this account`,
    data: { id },
  });
}

/** The item that an operation was about changed since it was looked at. */
export function movedOnError(id: RemoteId, found: string, expected: string): StaleError {
  return new StaleError({
    code: 'etag-moved',
    message: `Item ${id} changed since it was looked at (etag ${found}, expected ${expected})`,
    data: { id, found, expected },
  });
}
