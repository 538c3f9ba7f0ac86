import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptError, RejectedError, StaleError } from '../../../src/errors.ts';
import { remoteId } from '../../../src/ids.ts';
import type { ChangeHint, RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import type { RemoteFile, RemoteFolder } from '../../../src/sync/tree/entry.ts';
import { bytesOf, sha1, sourceOf } from './source.ts';

/** Two accounts of one shared folder that is empty at first. */
export interface StoreFixture {
  readonly store: RemoteStore;
  readonly other: RemoteStore;
  readonly folder: RemoteFolder;
  /** The folder's path of names below the account's root. */
  readonly path: readonly string[];
  close(): Promise<void>;
}

async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail('expected a rejection'),
    (error: unknown) => error,
  );
}

async function expectCode(work: Promise<unknown>, kind: new (...args: never[]) => Error, code: string) {
  const error = await rejectionOf(work);
  expect(error).toBeInstanceOf(kind);
  expect(error).toMatchObject({ code });
}

/** What every RemoteStore promises. */
export function describeRemoteStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(`RemoteStore: ${name}`, () => {
    let fixture: StoreFixture;
    let store: RemoteStore;
    let folder: RemoteFolder;
    const put = (fileName: string, content: string, parent = folder): Promise<RemoteFile> =>
      store.upload({ parentId: parent.id, name: fileName, source: sourceOf(content) });
    const read = async (file: RemoteFile, offset?: number) =>
      (
        await bytesOf(
          await store.download({
            id: file.id,
            versionId: file.versionId,
            ...(offset === undefined ? {} : { offset }),
          }),
        )
      ).toString();
    const names = async () => ((await store.list(folder.id)) ?? []).map((entry) => entry.name).sort();

    beforeEach(async () => {
      fixture = await open();
      store = fixture.store;
      folder = fixture.folder;
    });
    afterEach(() => fixture.close());

    it('tells whose account it is', async () => {
      const mine = await store.account();
      expect(mine.id).toMatch(/^\d+$/);
      expect(mine.name).not.toBe('');
      expect((await fixture.other.account()).id).not.toBe(mine.id);
    });

    describe('folders', () => {
      it('are found by path, and undefined where a part is missing', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        expect(inner).toMatchObject({ kind: 'folder', name: 'inner', parentId: folder.id });
        expect(await store.findFolder([...fixture.path, 'inner'])).toEqual(inner);
        expect(await store.findFolder([...fixture.path, 'absent', 'inner'])).toBeUndefined();
      });

      it('are listed with all their entries, without those below', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        const file = await put('a.txt', 'a');
        await put('deep.txt', 'deep', inner);
        const listed = await store.list(folder.id);
        expect(listed).toHaveLength(2);
        expect(listed).toEqual(expect.arrayContaining([inner, file]));
        expect(await store.list(inner.id)).toHaveLength(1);
      });

      it('are undefined when gone', async () => {
        expect(await store.list(remoteId('987654321'))).toBeUndefined();
        expect(await store.get(remoteId('987654321'), 'folder')).toBeUndefined();
      });

      it('refuse a name that another entry holds, whatever its case or kind', async () => {
        await put('Taken', 'x');
        await expectCode(store.createFolder(folder.id, 'taken'), RejectedError, 'name-taken');
        await store.createFolder(folder.id, 'here');
        await expectCode(store.createFolder(folder.id, 'here'), RejectedError, 'name-taken');
      });

      it.each(['a/b', '..', 'trailing ', 'x'.repeat(256)])('refuse the name %j', async (bad) => {
        await expectCode(store.createFolder(folder.id, bad), RejectedError, 'name-invalid');
      });

      it('cannot be made in a folder that is gone', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        await store.remove(inner);
        await expectCode(store.createFolder(inner.id, 'x'), StaleError, 'gone');
      });
    });

    describe('visibility', () => {
      it('tells what is there, what is in the trash and what is unknown apart', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        const file = await put('f', 'x');
        const standing = async () => [
          await store.visibility(inner.id, 'folder'),
          await store.visibility(file.id, 'file'),
        ];
        expect(await standing()).toEqual(['visible', 'visible']);
        await store.remove(inner);
        await store.remove(file);
        expect(await standing()).toEqual(['trashed', 'trashed']);
        expect(await store.visibility(remoteId('987654321'), 'folder')).toBe('hidden');
        expect(await store.visibility(remoteId('987654321'), 'file')).toBe('hidden');
      });

      it('never calls visible what lies in a trashed folder', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        const file = await put('f', 'x', inner);
        await store.remove(inner);
        expect(['trashed', 'hidden']).toContain(await store.visibility(file.id, 'file'));
      });
    });

    describe('uploads', () => {
      it('store the content, its time in whole seconds, and who made it', async () => {
        const modifiedAtMs = Date.UTC(2026, 4, 6, 7, 8, 9, 432);
        const source = sourceOf('hello', modifiedAtMs);
        const file = await store.upload({ parentId: folder.id, name: 'hello.txt', source });
        const mine = await store.account();
        expect(file).toMatchObject({
          kind: 'file',
          name: 'hello.txt',
          parentId: folder.id,
          content: { sha1: source.sha1, sizeBytes: 5, modifiedAtMs: modifiedAtMs - 432 },
          createdBy: { id: mine.id },
          modifiedBy: { id: mine.id },
        });
        expect(await store.get(file.id, 'file')).toEqual(file);
        expect(await store.list(folder.id)).toEqual([file]);
        expect(await read(file)).toBe('hello');
      });

      it('may be empty', async () => {
        const file = await put('empty', '');
        expect(file.content).toMatchObject({ sizeBytes: 0, sha1: sha1(Buffer.alloc(0)) });
        expect(await read(file)).toBe('');
      });

      it('report the bytes that went out', async () => {
        let sent = 0;
        const source = sourceOf('z'.repeat(200_000));
        const onBytes = (bytes: number) => {
          sent += bytes;
        };
        await store.upload({ parentId: folder.id, name: 'z', source }, { onBytes });
        expect(sent).toBe(200_000);
      });

      it('return the file that holds the name with the same content', async () => {
        const first = await put('same', 'content');
        expect(await put('same', 'content')).toEqual(first);
        expect(await names()).toEqual(['same']);
      });

      it('refuse a name that other content holds', async () => {
        await put('held', 'one');
        await expectCode(put('held', 'two'), RejectedError, 'name-taken');
        await expectCode(put('HELD', 'two'), RejectedError, 'name-taken');
      });

      it('refuse a name that Box does not accept', async () => {
        await expectCode(put('bad/name', 'x'), RejectedError, 'name-invalid');
      });

      it('fail when the file changed since it was hashed, and leave nothing behind', async () => {
        const source = { ...sourceOf('was this'), sha1: sha1(Buffer.from('expected that')) };
        await expectCode(
          store.upload({ parentId: folder.id, name: 'torn', source }),
          StaleError,
          'content-changed',
        );
        expect(await names()).toEqual([]);
      });

      it('leave one file when the same one is sent many times at once', async () => {
        const files = await Promise.all(Array.from({ length: 5 }, () => put('once', 'upon a time')));
        expect(new Set(files.map(({ id }) => id)).size).toBe(1);
        expect(await names()).toEqual(['once']);
      });
    });

    describe('versions', () => {
      it('replace the content under the same id', async () => {
        const first = await put('v', 'one');
        const second = await store.uploadVersion({ ...first, source: sourceOf('two') });
        expect(second.id).toBe(first.id);
        expect(second.versionId).not.toBe(first.versionId);
        expect(second.etag).not.toBe(first.etag);
        expect(await read(second)).toBe('two');
        expect(await read(first)).toBe('one');
      });

      it('tell who wrote the current one and who created the file', async () => {
        const first = await put('v', 'one');
        const other = await fixture.other.account();
        const second = await fixture.other.uploadVersion({ ...first, source: sourceOf('two') });
        expect(second.createdBy?.id).toBe((await store.account()).id);
        expect(second.modifiedBy?.id).toBe(other.id);
      });

      it('are refused when the etag moved on, except to this same content', async () => {
        const first = await put('v', 'one');
        const second = await fixture.other.uploadVersion({ ...first, source: sourceOf('two') });
        await expectCode(
          store.uploadVersion({ ...first, source: sourceOf('three') }),
          StaleError,
          'etag-moved',
        );
        expect(await store.uploadVersion({ ...first, source: sourceOf('two') })).toEqual(second);
        expect(await store.versions(first.id)).toHaveLength(2);
      });

      it('give a file the name back that it had, when they are made current again', async () => {
        const first = await put('name at first', 'one');
        const renamed = await store.relocate({ ...first, parentId: folder.id, name: 'name of today' });
        const second = await store.uploadVersion({
          ...first,
          name: 'name of today',
          etag: renamed.etag,
          source: sourceOf('two'),
        });
        expect(second.name).toBe('name of today');
        const again = await store.promote(first.id, first.versionId);
        expect(again).toMatchObject({ id: first.id, name: 'name at first', parentId: first.parentId });
        expect(await store.get(first.id, 'file')).toMatchObject({ name: 'name at first' });
      });

      it('are not made current again where another item holds their name by now', async () => {
        const first = await put('a name', 'one');
        const renamed = await store.relocate({ ...first, parentId: folder.id, name: 'another name' });
        const source = sourceOf('two');
        await store.uploadVersion({ ...first, name: 'another name', etag: renamed.etag, source });
        await put('a name', 'three');
        await expectCode(store.promote(first.id, first.versionId), RejectedError, 'name-taken');
        expect(await store.get(first.id, 'file')).toMatchObject({ name: 'another name' });
      });

      it('are listed newest first and can be made current again', async () => {
        const first = await put('v', 'one');
        const second = await store.uploadVersion({ ...first, source: sourceOf('two') });
        const history = await store.versions(first.id);
        expect(history.map(({ id, current }) => [id, current])).toEqual([
          [second.versionId, true],
          [first.versionId, false],
        ]);
        const again = await store.promote(first.id, first.versionId);
        expect(again.content.sha1).toBe(first.content.sha1);
        expect(again.id).toBe(first.id);
        expect(await store.versions(first.id)).toHaveLength(3);
        expect(await read(again)).toBe('one');
      });
    });

    describe('downloads', () => {
      it('go on from an offset', async () => {
        const file = await put('d', 'abcdefgh');
        expect(await read(file, 3)).toBe('defgh');
      });

      it('report the bytes that came in', async () => {
        const file = await put('d', 'x'.repeat(150_000));
        let received = 0;
        const onBytes = (bytes: number) => {
          received += bytes;
        };
        await bytesOf(await store.download(file, { onBytes }));
        expect(received).toBe(150_000);
      });

      it('end in CorruptError when the bytes are not those expected', async () => {
        const file = await put('d', 'abcdefgh');
        const expected = { sizeBytes: 8, sha1: sha1(Buffer.from('abcdefgX')) };
        await expectCode(
          bytesOf(await store.download({ ...file, expected })),
          CorruptError,
          'download-corrupt',
        );
      });

      it('of a file that is gone are refused', async () => {
        const file = await put('d', 'x');
        await store.remove(file);
        await expectCode(store.download(file).then(bytesOf), StaleError, 'gone');
      });
    });

    describe('relocations', () => {
      it('rename, move, or both, under the same id', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        const file = await put('old', 'x');
        const renamed = await store.relocate({ ...file, parentId: folder.id, name: 'new' });
        expect(renamed).toMatchObject({ id: file.id, name: 'new', parentId: folder.id });
        expect(renamed.etag).not.toBe(file.etag);
        const both = await store.relocate({ ...renamed, parentId: inner.id, name: 'newer' });
        expect(both).toMatchObject({ id: file.id, name: 'newer', parentId: inner.id });
        expect(await read(both as RemoteFile)).toBe('x');
      });

      it('change the case of a name', async () => {
        const file = await put('case', 'x');
        const renamed = await store.relocate({ ...file, parentId: folder.id, name: 'CASE' });
        expect(renamed.name).toBe('CASE');
      });

      it('of a folder take along what is in it', async () => {
        const [from, to] = [
          await store.createFolder(folder.id, 'from'),
          await store.createFolder(folder.id, 'to'),
        ];
        const file = await put('f', 'x', from);
        await store.relocate({ ...from, parentId: to.id, name: 'from' });
        expect(await store.get(file.id, 'file')).toEqual(file);
        expect(await store.findFolder([...fixture.path, 'to', 'from'])).toMatchObject({ id: from.id });
      });

      it('are refused when the etag moved on', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        const file = await put('r', 'one');
        await store.uploadVersion({ ...file, source: sourceOf('two') });
        for (const parentId of [folder.id, inner.id]) {
          await expectCode(store.relocate({ ...file, parentId, name: 's' }), StaleError, 'etag-moved');
        }
      });

      it('are refused when the name is taken', async () => {
        await put('taken', 'x');
        const file = await put('r', 'y');
        await expectCode(
          store.relocate({ ...file, parentId: folder.id, name: 'taken' }),
          RejectedError,
          'name-taken',
        );
      });

      it('of a folder into itself are refused', async () => {
        const outer = await store.createFolder(folder.id, 'outer');
        const inner = await store.createFolder(outer.id, 'inner');
        await expectCode(
          store.relocate({ ...outer, parentId: inner.id, name: 'outer' }),
          RejectedError,
          'cyclic-move',
        );
      });

      it('that happened already are success', async () => {
        const file = await put('r', 'x');
        const renamed = await store.relocate({ ...file, parentId: folder.id, name: 's' });
        expect(await store.relocate({ ...file, parentId: folder.id, name: 's' })).toEqual(renamed);
      });
    });

    describe('removals', () => {
      it('free the name, and are success when done already', async () => {
        const file = await put('gone', 'x');
        await store.remove(file);
        await store.remove(file);
        expect(await store.get(file.id, 'file')).toBeUndefined();
        expect(await names()).toEqual([]);
        expect((await put('gone', 'y')).id).not.toBe(file.id);
      });

      it('take a folder away with all that is in it', async () => {
        const inner = await store.createFolder(folder.id, 'inner');
        const file = await put('f', 'x', inner);
        await store.remove(inner);
        expect(await store.list(inner.id)).toBeUndefined();
        expect(await store.get(file.id, 'file')).toBeUndefined();
      });

      it('are refused when the etag moved on', async () => {
        const file = await put('r', 'one');
        await store.uploadVersion({ ...file, source: sourceOf('two') });
        await expectCode(store.remove(file), StaleError, 'etag-moved');
        expect(await names()).toEqual(['r']);
      });
    });

    describe('changes', () => {
      /** The feed may be late: ask again until it tells, never longer than the test's own limit. */
      const hintsUntil = async (from: string, enough: (hints: readonly ChangeHint[]) => boolean) => {
        const hints: ChangeHint[] = [];
        let position = from;
        for (;;) {
          const page = await store.changes(position);
          expect(page.gap).toBe(false);
          hints.push(...page.hints);
          position = page.position;
          if (enough(hints)) return { hints, position };
          await store.waitForChange(position, AbortSignal.timeout(5_000));
        }
      };

      it('name the items that others touched, after the position only', async () => {
        await put('before', 'x');
        await hintsUntil(await store.position(), () => true);
        const start = await store.position();
        const file = await fixture.other.upload({
          parentId: folder.id,
          name: 'after',
          source: sourceOf('y'),
        });
        const { hints } = await hintsUntil(start, (all) => all.some(({ itemId }) => itemId === file.id));
        const hint = hints.find(({ itemId }) => itemId === file.id);
        expect(hint).toMatchObject({
          itemId: file.id,
          kind: 'file',
          parentId: folder.id,
          accessChanged: false,
        });
      });

      it('tell of new versions, renames and removals', async () => {
        const file = await put('f', 'one');
        let { position } = await hintsUntil(await store.position(), () => true);
        const touched = (hints: readonly ChangeHint[]) => hints.some(({ itemId }) => itemId === file.id);
        position = await store.position();
        const second = await fixture.other.uploadVersion({ ...file, source: sourceOf('two') });
        ({ position } = await hintsUntil(position, touched));
        const third = await fixture.other.relocate({ ...second, parentId: folder.id, name: 'g' });
        ({ position } = await hintsUntil(position, touched));
        await fixture.other.remove(third);
        await hintsUntil(position, touched);
      });

      it('wake a waiting caller', async () => {
        const position = await store.position();
        const patience = AbortSignal.timeout(20_000);
        const waiting = store.waitForChange(position, patience);
        await fixture.other.createFolder(folder.id, 'news');
        await waiting;
        expect(patience.aborted).toBe(false);
      });

      it('do not hold a caller who gives up', async () => {
        const giveUp = new AbortController();
        const waiting = store.waitForChange(await store.position(), giveUp.signal);
        giveUp.abort();
        await waiting;
      });
    });

    describe('a caller who gave up', () => {
      it('gets AbortError from every operation', async () => {
        const file = await put('f', 'x');
        const signal = AbortSignal.abort();
        const source = sourceOf('y');
        const calls = [
          store.findFolder(fixture.path, signal),
          store.get(file.id, 'file', signal),
          store.visibility(file.id, 'file', signal),
          store.list(folder.id, signal),
          store.createFolder(folder.id, 'a', signal),
          store.upload({ parentId: folder.id, name: 'b', source }, { signal }),
          store.uploadVersion({ ...file, source }, { signal }),
          store.download(file, { signal }),
          store.relocate({ ...file, parentId: folder.id, name: 'c' }, signal),
          store.remove(file, signal),
          store.versions(file.id, signal),
          store.position(signal),
        ];
        for (const call of calls) expect(await rejectionOf(call)).toMatchObject({ name: 'AbortError' });
        expect(await names()).toEqual(['f']);
      });
    });
  });
}
