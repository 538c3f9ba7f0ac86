import { describe, expect, it } from 'vitest';
import { RejectedError, StaleError } from '../../../src/errors.ts';
import { remoteId } from '../../../src/ids.ts';
import type { RemoteFile } from '../../../src/sync/tree/entry.ts';
import { describeChanges } from './changes-suite.ts';
import { describeContent } from './content-suite.ts';
import { sourceOf } from './source.ts';
import { expectCode, type StoreFixture, StoreStage } from './store-stage.ts';

/** What every RemoteStore promises. */
export function describeRemoteStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(`RemoteStore: ${name}`, () => {
    const at = new StoreStage(open);

    it('tells whose account it is', async () => {
      const mine = await at.store.account();
      expect(mine.id).toMatch(/^\d+$/);
      expect(mine.name).not.toBe('');
      expect((await at.fixture.other.account()).id).not.toBe(mine.id);
    });

    describe('folders', () => {
      it('are found by path, and undefined where a part is missing', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        expect(inner).toMatchObject({ kind: 'folder', name: 'inner', parentId: at.folder.id });
        expect(await at.store.findFolder([...at.fixture.path, 'inner'])).toEqual(inner);
        expect(await at.store.findFolder([...at.fixture.path, 'absent', 'inner'])).toBeUndefined();
      });

      it('are listed with all their entries, without those below', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        const file = await at.put('a.txt', 'a');
        await at.put('deep.txt', 'deep', inner);
        const listed = await at.store.list(at.folder.id);
        expect(listed).toHaveLength(2);
        expect(listed).toEqual(expect.arrayContaining([inner, file]));
        expect(await at.store.list(inner.id)).toHaveLength(1);
      });

      it('are undefined when gone', async () => {
        expect(await at.store.list(remoteId('987654321'))).toBeUndefined();
        expect(await at.store.get(remoteId('987654321'), 'folder')).toBeUndefined();
      });

      it('refuse a name that another entry holds, whatever its case or kind', async () => {
        await at.put('Taken', 'x');
        await expectCode(at.store.createFolder(at.folder.id, 'taken'), RejectedError, 'name-taken');
        await at.store.createFolder(at.folder.id, 'here');
        await expectCode(at.store.createFolder(at.folder.id, 'here'), RejectedError, 'name-taken');
      });

      it.each(['a/b', '..', 'trailing ', 'x'.repeat(256)])('refuse the name %j', async (bad) => {
        await expectCode(at.store.createFolder(at.folder.id, bad), RejectedError, 'name-invalid');
      });

      it('cannot be made in a folder that is gone', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        await at.store.remove(inner);
        await expectCode(at.store.createFolder(inner.id, 'x'), StaleError, 'gone');
      });
    });

    describe('visibility', () => {
      it('tells what is there, what is in the trash and what is unknown apart', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        const file = await at.put('f', 'x');
        const standing = async () => [
          await at.store.visibility(inner.id, 'folder'),
          await at.store.visibility(file.id, 'file'),
        ];
        expect(await standing()).toEqual(['visible', 'visible']);
        await at.store.remove(inner);
        await at.store.remove(file);
        expect(await standing()).toEqual(['trashed', 'trashed']);
        expect(await at.store.visibility(remoteId('987654321'), 'folder')).toBe('hidden');
        expect(await at.store.visibility(remoteId('987654321'), 'file')).toBe('hidden');
      });

      it('never calls visible what lies in a trashed folder', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        const file = await at.put('f', 'x', inner);
        await at.store.remove(inner);
        expect(['trashed', 'hidden']).toContain(await at.store.visibility(file.id, 'file'));
      });
    });

    describe('relocations', () => {
      it('rename, move, or both, under the same id', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        const file = await at.put('old', 'x');
        const renamed = await at.store.relocate({ ...file, parentId: at.folder.id, name: 'new' });
        expect(renamed).toMatchObject({ id: file.id, name: 'new', parentId: at.folder.id });
        expect(renamed.etag).not.toBe(file.etag);
        const both = await at.store.relocate({ ...renamed, parentId: inner.id, name: 'newer' });
        expect(both).toMatchObject({ id: file.id, name: 'newer', parentId: inner.id });
        expect(await at.read(both as RemoteFile)).toBe('x');
      });

      it('change the case of a name', async () => {
        const file = await at.put('case', 'x');
        const renamed = await at.store.relocate({ ...file, parentId: at.folder.id, name: 'CASE' });
        expect(renamed.name).toBe('CASE');
      });

      it('of a folder take along what is in it', async () => {
        const [from, to] = [
          await at.store.createFolder(at.folder.id, 'from'),
          await at.store.createFolder(at.folder.id, 'to'),
        ];
        const file = await at.put('f', 'x', from);
        await at.store.relocate({ ...from, parentId: to.id, name: 'from' });
        expect(await at.store.get(file.id, 'file')).toEqual(file);
        expect(await at.store.findFolder([...at.fixture.path, 'to', 'from'])).toMatchObject({ id: from.id });
      });

      it('are refused when the etag moved on', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        const file = await at.put('r', 'one');
        await at.store.uploadVersion({ ...file, source: sourceOf('two') });
        for (const parentId of [at.folder.id, inner.id]) {
          await expectCode(at.store.relocate({ ...file, parentId, name: 's' }), StaleError, 'etag-moved');
        }
      });

      it('are refused when the name is taken', async () => {
        await at.put('taken', 'x');
        const file = await at.put('r', 'y');
        await expectCode(
          at.store.relocate({ ...file, parentId: at.folder.id, name: 'taken' }),
          RejectedError,
          'name-taken',
        );
      });

      it('of a folder into itself are refused', async () => {
        const outer = await at.store.createFolder(at.folder.id, 'outer');
        const inner = await at.store.createFolder(outer.id, 'inner');
        await expectCode(
          at.store.relocate({ ...outer, parentId: inner.id, name: 'outer' }),
          RejectedError,
          'cyclic-move',
        );
      });

      it('that happened already are success', async () => {
        const file = await at.put('r', 'x');
        const renamed = await at.store.relocate({ ...file, parentId: at.folder.id, name: 's' });
        expect(await at.store.relocate({ ...file, parentId: at.folder.id, name: 's' })).toEqual(renamed);
      });
    });

    describe('removals', () => {
      it('free the name, and are success when done already', async () => {
        const file = await at.put('gone', 'x');
        await at.store.remove(file);
        await at.store.remove(file);
        expect(await at.store.get(file.id, 'file')).toBeUndefined();
        expect(await at.names()).toEqual([]);
        expect((await at.put('gone', 'y')).id).not.toBe(file.id);
      });

      it('take a folder away with all that is in it', async () => {
        const inner = await at.store.createFolder(at.folder.id, 'inner');
        const file = await at.put('f', 'x', inner);
        await at.store.remove(inner);
        expect(await at.store.list(inner.id)).toBeUndefined();
        expect(await at.store.get(file.id, 'file')).toBeUndefined();
      });

      it('are refused when the etag moved on', async () => {
        const file = await at.put('r', 'one');
        await at.store.uploadVersion({ ...file, source: sourceOf('two') });
        await expectCode(at.store.remove(file), StaleError, 'etag-moved');
        expect(await at.names()).toEqual(['r']);
      });
    });

    describeContent(at);
    describeChanges(at);
  });
}
