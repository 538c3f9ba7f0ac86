import { z } from 'zod';
import { AuthError } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { RemoteFolder } from '../tree/entry.ts';
import { isAbort } from './abort.ts';
import { type BoxItems, isGone, ROOT_ID } from './items.ts';
import { type BoxSession, readPlainly } from './session.ts';

const ownedSchema = z.object({
  owned_by: z.object({ name: z.string().nullish(), login: z.string().nullish() }).nullish(),
});
const UNKNOWN_OWNER = 'somebody whom Box does not name';

/**
 * Finds folders by the names of their path.
 *
 * Guarantees: never one of several: an account's root shows its own folders beside all that are shared with it, so a
 * name may stand there more than once.
 * Errors: AuthError 'folder-ambiguous', naming the candidates and their owners.
 */
export class FolderFinder {
  readonly #session: BoxSession;
  readonly #items: BoxItems;

  constructor(session: BoxSession, items: BoxItems) {
    this.#session = session;
    this.#items = items;
  }

  async find(path: readonly string[], signal?: AbortSignal): Promise<RemoteFolder | undefined> {
    if (path.length === 0) {
      const root = await this.#items.get(ROOT_ID, 'folder', signal);
      return root?.kind === 'folder' ? root : undefined;
    }
    let folder: RemoteFolder | undefined;
    for (const name of path) {
      folder = await this.#below(folder?.id ?? ROOT_ID, name, signal);
      if (folder === undefined) return undefined;
    }
    return folder;
  }

  /** The subfolder of this name; Box holds one name per folder whatever its case, so another case is the same one. */
  async #below(folderId: RemoteId, name: string, signal?: AbortSignal): Promise<RemoteFolder | undefined> {
    // By id, since an item that moves between two pages may show up twice.
    const alike = new Map<RemoteId, RemoteFolder>();
    try {
      for await (const page of this.#items.pages(folderId, signal)) {
        for (const entry of page) {
          if (entry.kind === 'folder' && entry.name.toLowerCase() === name.toLowerCase())
            alike.set(entry.id, entry);
        }
      }
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
    const folders = [...alike.values()];
    const exact = folders.filter((folder) => folder.name === name);
    const candidates = exact.length > 0 ? exact : folders;
    if (candidates.length > 1) throw await this.#ambiguous(name, candidates, signal);
    return candidates[0];
  }

  async #ambiguous(name: string, folders: readonly RemoteFolder[], signal?: AbortSignal): Promise<AuthError> {
    const candidates: { readonly id: RemoteId; readonly owner: string }[] = [];
    for (const { id } of folders) candidates.push({ id, owner: await this.#ownerOf(id, signal) });
    const told = candidates.map(({ id, owner }) => `folder ${id}, owned by ${owner}`).join('; ');
    return new AuthError({
      code: 'folder-ambiguous',
      message: `Box shows this account ${folders.length} folders named "${name}": ${told}`,
      hint:
        'Keep the one that is meant: rename the others in Box, or let their owners take the invitation back; then ' +
        'start again.',
      data: { name, candidates },
    });
  }

  async #ownerOf(id: RemoteId, signal?: AbortSignal): Promise<string> {
    try {
      const json = await readPlainly(this.#session, `folders/${id}`, { fields: 'owned_by' }, signal);
      const { name, login } = ownedSchema.parse(json).owned_by ?? {};
      return [name && `"${name}"`, login && `(${login})`].filter(Boolean).join(' ') || UNKNOWN_OWNER;
    } catch (error) {
      if (isAbort(error)) throw error;
      // That there are several is what counts.
      return UNKNOWN_OWNER;
    }
  }
}
