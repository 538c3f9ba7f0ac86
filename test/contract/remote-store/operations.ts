import { expect } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import type { RemoteId } from '../../../src/ids.ts';
import { invariant } from '../../../src/invariant.ts';
import type { RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import type { RemoteFile, RemoteFolder } from '../../../src/sync/tree/entry.ts';
import { bytesOf, sha1, sourceOf } from './source.ts';

/** What an oracle knows of one item, trashed ones too. */
export interface OracleItem {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly parent_id: string;
  readonly status: string;
  readonly sha1?: string;
  readonly versions?: readonly { readonly id: string; readonly sha1: string }[];
}

export interface Stage {
  readonly store: RemoteStore;
  /** Another account's store, which nothing disturbs. */
  readonly other: RemoteStore;
  readonly folderId: RemoteId;
  readonly path: readonly string[];
  /** Unlike every other run's. */
  readonly name: string;
}

/** One operation, set up undisturbed, run disturbed, and judged by the oracle. */
export interface Operation {
  readonly name: string;
  /** True where waiting in silence for minutes is the purpose. */
  readonly waits?: boolean;
  prepare(stage: Stage): Promise<{
    run(): Promise<void>;
    /** `happened`: the operation said success. Otherwise the effect may be there or not, but never twice. */
    judge(items: readonly OracleItem[], happened: boolean): void;
  }>;
}

const BIG = 300_000;
const contentOf = (name: string, sizeBytes = 1_000): Buffer =>
  Buffer.alloc(sizeBytes, `${name} is a content of its own. `);

const active = (items: readonly OracleItem[], parentId: string, name: string) =>
  items.filter((item) => item.parent_id === parentId && item.status === 'active' && item.name === name);

const putOther = ({ other, folderId, name }: Stage, content: Buffer): Promise<RemoteFile> =>
  other.upload({ parentId: folderId, name, source: sourceOf(content) });

function reading(name: string, work: (stage: Stage) => Promise<() => Promise<void>>): Operation {
  return { name, prepare: async (stage) => ({ run: await work(stage), judge() {} }) };
}

/** Every operation of the port, each with what must be true afterwards. */
export const OPERATIONS: readonly Operation[] = [
  reading('findFolder', async ({ store, other, folderId, path, name }) => {
    const folder = await other.createFolder(folderId, name);
    return async () => expect(await store.findFolder([...path, name])).toEqual(folder);
  }),
  reading('get', async (stage) => {
    const file = await putOther(stage, contentOf(stage.name));
    return async () => expect(await stage.store.get(file.id, 'file')).toEqual(file);
  }),
  reading('visibility', async (stage) => {
    const file = await putOther(stage, contentOf(stage.name));
    return async () => expect(await stage.store.visibility(file.id, 'file')).toBe('visible');
  }),
  reading('list', async (stage) => {
    const folder = await stage.other.createFolder(stage.folderId, stage.name);
    const files: RemoteFile[] = [];
    for (const name of ['a', 'b', 'c']) {
      files.push(await putOther({ ...stage, folderId: folder.id, name }, contentOf(name)));
    }
    return async () => expect(await stage.store.list(folder.id)).toEqual(files);
  }),
  {
    name: 'createFolder',
    async prepare({ store, folderId, name }) {
      let folder: RemoteFolder | undefined;
      return {
        async run() {
          folder = await store.createFolder(folderId, name);
        },
        judge(items, happened) {
          const found = active(items, folderId, name);
          expect(found.length).toBeLessThanOrEqual(1);
          if (happened) expect(found.map(({ id }) => id)).toEqual([folder?.id]);
        },
      };
    },
  },
  ...[
    { name: 'upload', sizeBytes: 1_000 },
    { name: 'upload in parts', sizeBytes: BIG },
  ].map(
    ({ name: operation, sizeBytes }): Operation => ({
      name: operation,
      async prepare({ store, folderId, name }) {
        const content = contentOf(name, sizeBytes);
        return {
          async run() {
            await store.upload({ parentId: folderId, name, source: sourceOf(content) });
          },
          judge(items, happened) {
            const found = items.filter((item) => item.parent_id === folderId && item.name === name);
            expect(found.length).toBeLessThanOrEqual(1);
            if (happened) expect(found).toHaveLength(1);
            for (const item of found) {
              expect(item.versions?.map((version) => version.sha1)).toEqual([sha1(content)]);
            }
          },
        };
      },
    }),
  ),
  ...[
    { name: 'uploadVersion', sizeBytes: 1_000 },
    { name: 'uploadVersion in parts', sizeBytes: BIG },
  ].map(
    ({ name: operation, sizeBytes }): Operation => ({
      name: operation,
      async prepare(stage) {
        const first = contentOf(`first ${stage.name}`);
        const second = contentOf(`second ${stage.name}`, sizeBytes);
        const file = await putOther(stage, first);
        return {
          async run() {
            await stage.store.uploadVersion({ ...file, source: sourceOf(second) });
          },
          judge(items, happened) {
            const item = items.find(({ id }) => id === file.id);
            const hashes = item?.versions?.map((version) => version.sha1) ?? [];
            expect(hashes.filter((hash) => hash === sha1(first))).toHaveLength(1);
            expect(hashes.filter((hash) => hash === sha1(second)).length).toBeLessThanOrEqual(1);
            expect(hashes.length).toBeLessThanOrEqual(2);
            if (happened) expect(item?.sha1).toBe(sha1(second));
          },
        };
      },
    }),
  ),
  reading('download', async (stage) => {
    const content = contentOf(stage.name, BIG);
    const file = await putOther(stage, content);
    return async () => {
      const stream = await stage.store.download({ ...file, expected: file.content });
      expect((await bytesOf(stream)).equals(content)).toBe(true);
    };
  }),
  reading('download from an offset', async (stage) => {
    const content = contentOf(stage.name, BIG);
    const file = await putOther(stage, content);
    return async () => {
      const stream = await stage.store.download({ ...file, offset: 1_000, expected: file.content });
      expect((await bytesOf(stream)).equals(content.subarray(1_000))).toBe(true);
    };
  }),
  ...(['rename', 'move'] as const).map(
    (operation): Operation => ({
      name: operation,
      async prepare(stage) {
        const file = await putOther(stage, contentOf(stage.name));
        const parentId =
          operation === 'rename'
            ? stage.folderId
            : (await stage.other.createFolder(stage.folderId, `to ${stage.name}`)).id;
        const name = operation === 'rename' ? `renamed ${stage.name}` : stage.name;
        return {
          async run() {
            const entry = await stage.store.relocate({ ...file, parentId, name });
            expect(entry).toMatchObject({ id: file.id, parentId, name });
          },
          judge(items, happened) {
            const item = items.find(({ id }) => id === file.id);
            expect(item?.status).toBe('active');
            if (happened) expect(item).toMatchObject({ parent_id: parentId, name });
          },
        };
      },
    }),
  ),
  ...(['file', 'folder'] as const).map(
    (kind): Operation => ({
      name: `remove a ${kind}`,
      async prepare(stage) {
        const entry =
          kind === 'file'
            ? await putOther(stage, contentOf(stage.name))
            : await stage.other.createFolder(stage.folderId, stage.name);
        if (entry.kind === 'folder') {
          await putOther({ ...stage, folderId: entry.id, name: 'inner' }, contentOf('inner'));
        }
        return {
          run: async () => void (await stage.store.remove(entry)),
          judge(items, happened) {
            const item = items.find(({ id }) => id === entry.id);
            if (happened) expect(item?.status ?? 'trashed').toBe('trashed');
          },
        };
      },
    }),
  ),
  reading('versions', async (stage) => {
    const file = await putOther(stage, contentOf('one'));
    const second = await stage.other.uploadVersion({ ...file, source: sourceOf(contentOf('two')) });
    return async () => {
      const versions = await stage.store.versions(file.id);
      expect(versions.map(({ id }) => id)).toEqual([second.versionId, file.versionId]);
    };
  }),
  {
    name: 'promote',
    async prepare(stage) {
      const file = await putOther(stage, contentOf('one'));
      await stage.other.uploadVersion({ ...file, source: sourceOf(contentOf('two')) });
      return {
        async run() {
          const promoted = await stage.store.promote(file.id, file.versionId);
          expect(promoted.content.sha1).toBe(file.content.sha1);
        },
        judge(items, happened) {
          const item = items.find(({ id }) => id === file.id);
          expect(item?.versions?.length).toBeLessThanOrEqual(3);
          if (happened) {
            expect(item?.versions).toHaveLength(3);
            expect(item?.sha1).toBe(file.content.sha1);
          }
        },
      };
    },
  },
  reading('position', async ({ store }) => async () => {
    expect(await store.position()).not.toBe('');
  }),
  reading('changes', async (stage) => {
    const position = await stage.store.position();
    const file = await putOther(stage, contentOf(stage.name));
    return async () => {
      const page = await stage.store.changes(position);
      expect(page.gap).toBe(false);
      expect(page.hints.map(({ itemId }) => itemId)).toContain(file.id);
    };
  }),
  {
    ...reading('waitForChange', async (stage) => {
      const position = await stage.store.position();
      await putOther(stage, contentOf(stage.name));
      return async () => {
        const patience = AbortSignal.timeout(15_000);
        await stage.store.waitForChange(position, patience).catch((error: unknown) => {
          // A wait makes one attempt: whoever waits decides when to try again.
          if (!(error instanceof TransientError)) throw error;
          return stage.store.waitForChange(position, patience);
        });
        invariant(!patience.aborted, 'the change was there before the wait began');
      };
    }),
    waits: true,
  },
];
