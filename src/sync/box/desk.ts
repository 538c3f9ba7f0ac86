import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { RejectedError, StaleError } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { Random } from '../../random.ts';
import type { Account, Collaboration, Desk, FolderFacts } from '../admin/enterprise.ts';
import type { RemoteEntry, RemoteFolder } from '../tree/entry.ts';
import {
  FOLDER_FIELDS,
  readAccount,
  readCollaboration,
  readFolderFacts,
  readPage,
  USER_FIELDS,
} from './enterprise-answers.ts';
import { BoxItems, isGone } from './items.ts';
import { ask, type BoxSession, readPlainly } from './session.ts';
import { BoxUploads } from './uploads.ts';

/** No folder has more collaborators than this many pages hold. */
const PAGES_MAX = 50;
const PAGE_SIZE = 1000;

interface BoxDeskOptions {
  readonly session: BoxSession;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** One account's view of Box, over a session of its own. */
export class BoxDesk implements Desk {
  readonly #session: BoxSession;
  readonly #items: BoxItems;
  readonly #uploads: BoxUploads;
  readonly #signal: AbortSignal;

  constructor({ session, random, signal }: BoxDeskOptions) {
    this.#session = session;
    this.#items = new BoxItems(session);
    this.#uploads = new BoxUploads({ session, items: this.#items, random });
    this.#signal = signal;
  }

  async me(): Promise<Account> {
    return readAccount(await this.#get('users/me', { fields: USER_FIELDS }));
  }

  entries(folderId: RemoteId): Promise<readonly RemoteEntry[] | undefined> {
    return this.#items.list(folderId, this.#signal);
  }

  async folder(folderId: RemoteId): Promise<FolderFacts | undefined> {
    try {
      return readFolderFacts(await this.#get(`folders/${folderId}`, { fields: FOLDER_FIELDS }));
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async collaborations(folderId: RemoteId): Promise<readonly Collaboration[]> {
    const found: Collaboration[] = [];
    let marker: string | undefined;
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const query = { limit: String(PAGE_SIZE), ...(marker === undefined ? {} : { marker }) };
      const page = readPage(await this.#get(`folders/${folderId}/collaborations`, query));
      found.push(...page.entries.map(readCollaboration));
      if (page.next === undefined || page.next === marker) break;
      marker = page.next;
    }
    return found;
  }

  createFolder(parentId: RemoteId, name: string): Promise<RemoteFolder> {
    // Not given up halfway: whoever asked must learn what there is to clean up.
    return this.#items.createFolder(parentId, name);
  }

  async writeFile(parentId: RemoteId, name: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    const source = {
      sizeBytes: bytes.length,
      sha1: createHash('sha1').update(bytes).digest('hex'),
      modifiedAtMs: 0,
      open: () => Readable.from([bytes]),
    };
    await this.#uploads.create({ parentId, name, source }, { signal: this.#signal });
  }

  async discard({ id, etag }: RemoteFolder): Promise<void> {
    await this.#items.remove({ id, kind: 'folder', etag });
    try {
      await ask(undefined, async () => {
        await this.#session.client.trashedFolders.deleteTrashedFolderById(id);
        return undefined;
      });
    } catch (error) {
      // In the trash it is out of the way; emptying that may be the owner's right alone, or the enterprise has none.
      if (!(error instanceof RejectedError) && !(error instanceof StaleError)) throw error;
    }
  }

  #get(path: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    return readPlainly(this.#session, path, query, this.#signal);
  }
}
