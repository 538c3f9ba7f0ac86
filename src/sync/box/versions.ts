import { z } from 'zod';
import { RejectedError, TransientError } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { RemoteVersion } from '../remote/remote-store.ts';
import type { RemoteFile } from '../tree/entry.ts';
import { toUser } from './entries.ts';
import { type BoxItems, goneError } from './items.ts';
import { ask, type BoxSession, cancellable } from './session.ts';
import { writeOnce } from './write-once.ts';

const PAGE_SIZE = 1000;
/** Box keeps a hundred versions at most on the largest plan; this is far beyond. */
const PAGES_MAX = 20;
const FIELDS = ['sha1', 'size', 'created_at', 'modified_at', 'modified_by', 'trashed_at'];

const versionSchema = z.object({
  id: z.coerce.string(),
  sha1: z.string(),
  size: z.coerce.number(),
  created_at: z.string().nullish(),
  modified_at: z.string().nullish(),
  trashed_at: z.string().nullish(),
  modified_by: z.object({ id: z.coerce.string(), name: z.string().nullish() }).nullish(),
});
const pageSchema = z.object({ entries: z.array(versionSchema) });

/** A file's history. */
export class BoxVersions {
  readonly #session: BoxSession;
  readonly #items: BoxItems;

  constructor(session: BoxSession, items: BoxItems) {
    this.#session = session;
    this.#items = items;
  }

  /** Guarantees: newest first, the current one at the head. */
  async list(id: RemoteId, signal?: AbortSignal): Promise<readonly RemoteVersion[]> {
    const file = await this.#current(id, signal);
    const current: RemoteVersion = {
      id: file.versionId,
      sha1: file.content.sha1,
      sizeBytes: file.content.sizeBytes,
      receivedAtMs: file.receivedAtMs,
      modifiedBy: file.modifiedBy,
      current: true,
    };
    const past = await this.#past(id, signal);
    // Box lists past versions only; should the current one be among them, it must not count twice.
    return [current, ...past.filter((version) => version.id !== current.id)];
  }

  async #past(id: RemoteId, signal?: AbortSignal): Promise<RemoteVersion[]> {
    const versions: RemoteVersion[] = [];
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const queryParams = { fields: FIELDS, limit: PAGE_SIZE, offset: page * PAGE_SIZE };
      const json = await ask(signal, () =>
        this.#session.client.fileVersions.getFileVersions(id, { queryParams, ...cancellable(signal) }),
      );
      const result = pageSchema.safeParse(json);
      if (!result.success) {
        throw new TransientError({
          code: 'answer-malformed',
          message: 'Box sent versions in an unexpected form',
        });
      }
      for (const version of result.data.entries) {
        if (version.trashed_at) continue;
        versions.push({
          id: version.id,
          sha1: version.sha1.toLowerCase(),
          sizeBytes: version.size,
          receivedAtMs: Date.parse(version.created_at ?? version.modified_at ?? '') || 0,
          modifiedBy: toUser(version.modified_by),
          current: false,
        });
      }
      if (result.data.entries.length < PAGE_SIZE) break;
    }
    return versions;
  }

  /** Guarantees: an answer that got lost does not lead to a second copy of the version. */
  async promote(id: RemoteId, versionId: string, signal?: AbortSignal): Promise<RemoteFile> {
    const versions = await this.list(id, signal);
    const wanted = versions.find((version) => version.id === versionId);
    if (wanted === undefined) {
      throw new RejectedError({
        code: 'version-missing',
        message: `File ${id} has no version ${versionId}`,
        data: { id, versionId },
      });
    }
    const before = versions[0]?.id;
    const promoted = async () => {
      const file = await this.#current(id, signal);
      return file.versionId !== before && file.content.sha1 === wanted.sha1 ? file : undefined;
    };
    if (wanted.current) return this.#current(id, signal);
    return writeOnce(this.#session.transport, {
      signal,
      attempt: async () => {
        await ask(signal, () =>
          this.#session.client.fileVersions.promoteFileVersion(id, {
            requestBody: { id: versionId, type: 'file_version' },
            ...cancellable(signal),
          }),
        );
        return this.#current(id, signal);
      },
      look: promoted,
    });
  }

  async #current(id: RemoteId, signal?: AbortSignal): Promise<RemoteFile> {
    const entry = await this.#items.get(id, 'file', signal);
    if (entry?.kind !== 'file') throw goneError(id, 'file');
    return entry;
  }
}
