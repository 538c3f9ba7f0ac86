import { describe, expect, it } from 'vitest';
import { CorruptError, RejectedError, StaleError } from '../../../src/errors.ts';
import { bytesOf, sha1, sourceOf } from './source.ts';
import { expectCode, type StoreStage } from './store-stage.ts';

/** What every RemoteStore promises of files' content: uploads, versions, downloads. */
export function describeContent(at: StoreStage): void {
  describe('uploads', () => {
    it('store the content, its time in whole seconds, and who made it', async () => {
      const modifiedAtMs = Date.UTC(2026, 4, 6, 7, 8, 9, 432);
      const source = sourceOf('hello', modifiedAtMs);
      const file = await at.store.upload({ parentId: at.folder.id, name: 'hello.txt', source });
      const mine = await at.store.account();
      expect(file).toMatchObject({
        kind: 'file',
        name: 'hello.txt',
        parentId: at.folder.id,
        content: { sha1: source.sha1, sizeBytes: 5, modifiedAtMs: modifiedAtMs - 432 },
        createdBy: { id: mine.id },
        modifiedBy: { id: mine.id },
      });
      expect(await at.store.get(file.id, 'file')).toEqual(file);
      expect(await at.store.list(at.folder.id)).toEqual([file]);
      expect(await at.read(file)).toBe('hello');
    });

    it('may be empty', async () => {
      const file = await at.put('empty', '');
      expect(file.content).toMatchObject({ sizeBytes: 0, sha1: sha1(Buffer.alloc(0)) });
      expect(await at.read(file)).toBe('');
    });

    it('report the bytes that went out', async () => {
      let sent = 0;
      const source = sourceOf('z'.repeat(200_000));
      const onBytes = (bytes: number) => {
        sent += bytes;
      };
      await at.store.upload({ parentId: at.folder.id, name: 'z', source }, { onBytes });
      expect(sent).toBe(200_000);
    });

    it('return the file that holds the name with the same content', async () => {
      const first = await at.put('same', 'content');
      expect(await at.put('same', 'content')).toEqual(first);
      expect(await at.names()).toEqual(['same']);
    });

    it('refuse a name that other content holds', async () => {
      await at.put('held', 'one');
      await expectCode(at.put('held', 'two'), RejectedError, 'name-taken');
      await expectCode(at.put('HELD', 'two'), RejectedError, 'name-taken');
    });

    it('refuse a name that Box does not accept', async () => {
      await expectCode(at.put('bad/name', 'x'), RejectedError, 'name-invalid');
    });

    it('fail when the file changed since it was hashed, and leave nothing behind', async () => {
      const source = { ...sourceOf('was this'), sha1: sha1(Buffer.from('expected that')) };
      await expectCode(
        at.store.upload({ parentId: at.folder.id, name: 'torn', source }),
        StaleError,
        'content-changed',
      );
      expect(await at.names()).toEqual([]);
    });

    it('leave one file when the same one is sent many times at once', async () => {
      const files = await Promise.all(Array.from({ length: 5 }, () => at.put('once', 'upon a time')));
      expect(new Set(files.map(({ id }) => id)).size).toBe(1);
      expect(await at.names()).toEqual(['once']);
    });
  });

  describe('versions', () => {
    it('replace the content under the same id', async () => {
      const first = await at.put('v', 'one');
      const second = await at.store.uploadVersion({ ...first, source: sourceOf('two') });
      expect(second.id).toBe(first.id);
      expect(second.versionId).not.toBe(first.versionId);
      expect(second.etag).not.toBe(first.etag);
      expect(await at.read(second)).toBe('two');
      expect(await at.read(first)).toBe('one');
    });

    it('tell who wrote the current one and who created the file', async () => {
      const first = await at.put('v', 'one');
      const other = await at.fixture.other.account();
      const second = await at.fixture.other.uploadVersion({ ...first, source: sourceOf('two') });
      expect(second.createdBy?.id).toBe((await at.store.account()).id);
      expect(second.modifiedBy?.id).toBe(other.id);
    });

    it('are refused when the etag moved on, except to this same content', async () => {
      const first = await at.put('v', 'one');
      const second = await at.fixture.other.uploadVersion({ ...first, source: sourceOf('two') });
      await expectCode(
        at.store.uploadVersion({ ...first, source: sourceOf('three') }),
        StaleError,
        'etag-moved',
      );
      expect(await at.store.uploadVersion({ ...first, source: sourceOf('two') })).toEqual(second);
      expect(await at.store.versions(first.id)).toHaveLength(2);
    });

    it('give a file the name back that it had, when they are made current again', async () => {
      const first = await at.put('name at first', 'one');
      const renamed = await at.store.relocate({ ...first, parentId: at.folder.id, name: 'name of today' });
      const second = await at.store.uploadVersion({
        ...first,
        name: 'name of today',
        etag: renamed.etag,
        source: sourceOf('two'),
      });
      expect(second.name).toBe('name of today');
      const again = await at.store.promote(first.id, first.versionId);
      expect(again).toMatchObject({ id: first.id, name: 'name at first', parentId: first.parentId });
      expect(await at.store.get(first.id, 'file')).toMatchObject({ name: 'name at first' });
    });

    it('are not made current again where another item holds their name by now', async () => {
      const first = await at.put('a name', 'one');
      const renamed = await at.store.relocate({ ...first, parentId: at.folder.id, name: 'another name' });
      const source = sourceOf('two');
      await at.store.uploadVersion({ ...first, name: 'another name', etag: renamed.etag, source });
      await at.put('a name', 'three');
      await expectCode(at.store.promote(first.id, first.versionId), RejectedError, 'name-taken');
      expect(await at.store.get(first.id, 'file')).toMatchObject({ name: 'another name' });
    });

    it('are listed newest first and can be made current again', async () => {
      const first = await at.put('v', 'one');
      const second = await at.store.uploadVersion({ ...first, source: sourceOf('two') });
      const history = await at.store.versions(first.id);
      expect(history.map(({ id, current }) => [id, current])).toEqual([
        [second.versionId, true],
        [first.versionId, false],
      ]);
      const again = await at.store.promote(first.id, first.versionId);
      expect(again.content.sha1).toBe(first.content.sha1);
      expect(again.id).toBe(first.id);
      expect(await at.store.versions(first.id)).toHaveLength(3);
      expect(await at.read(again)).toBe('one');
    });
  });

  describe('downloads', () => {
    it('go on from an offset', async () => {
      const file = await at.put('d', 'abcdefgh');
      expect(await at.read(file, 3)).toBe('defgh');
    });

    it('report the bytes that came in', async () => {
      const file = await at.put('d', 'x'.repeat(150_000));
      let received = 0;
      const onBytes = (bytes: number) => {
        received += bytes;
      };
      await bytesOf(await at.store.download(file, { onBytes }));
      expect(received).toBe(150_000);
    });

    it('end in CorruptError when the bytes are not those expected', async () => {
      const file = await at.put('d', 'abcdefgh');
      const expected = { sizeBytes: 8, sha1: sha1(Buffer.from('abcdefgX')) };
      await expectCode(
        bytesOf(await at.store.download({ ...file, expected })),
        CorruptError,
        'download-corrupt',
      );
    });

    it('of a file that is gone are refused', async () => {
      const file = await at.put('d', 'x');
      expect(await at.store.remove(file)).toBe('removed');
      expect(await at.store.remove(file)).toBe('unseen');
      await expectCode(at.store.download(file).then(bytesOf), StaleError, 'gone');
    });
  });
}
