import { describe, expect, it } from 'vitest';
import type { ChangeHint } from '../../../src/sync/remote/remote-store.ts';
import { sourceOf } from './source.ts';
import { rejectionOf, type StoreStage } from './store-stage.ts';

/** What every RemoteStore promises of what others do, and of callers who give up. */
export function describeChanges(at: StoreStage): void {
  describe('changes', () => {
    /** The feed may be late: ask again until it tells, never longer than the test's own limit. */
    const hintsUntil = async (from: string, enough: (hints: readonly ChangeHint[]) => boolean) => {
      const hints: ChangeHint[] = [];
      let position = from;
      for (;;) {
        const page = await at.store.changes(position);
        expect(page.gap).toBe(false);
        hints.push(...page.hints);
        position = page.position;
        if (enough(hints)) return { hints, position };
        await at.store.waitForChange(position, AbortSignal.timeout(5_000));
      }
    };

    it('name the items that others touched, after the position only', async () => {
      await at.put('before', 'x');
      await hintsUntil(await at.store.position(), () => true);
      const start = await at.store.position();
      const file = await at.fixture.other.upload({
        parentId: at.folder.id,
        name: 'after',
        source: sourceOf('y'),
      });
      const { hints } = await hintsUntil(start, (all) => all.some(({ itemId }) => itemId === file.id));
      const hint = hints.find(({ itemId }) => itemId === file.id);
      expect(hint).toMatchObject({
        itemId: file.id,
        kind: 'file',
        parentId: at.folder.id,
        accessChanged: false,
      });
    });

    it('tell of new versions, renames and removals', async () => {
      const file = await at.put('f', 'one');
      let { position } = await hintsUntil(await at.store.position(), () => true);
      const touched = (hints: readonly ChangeHint[]) => hints.some(({ itemId }) => itemId === file.id);
      position = await at.store.position();
      const second = await at.fixture.other.uploadVersion({ ...file, source: sourceOf('two') });
      ({ position } = await hintsUntil(position, touched));
      const third = await at.fixture.other.relocate({ ...second, parentId: at.folder.id, name: 'g' });
      ({ position } = await hintsUntil(position, touched));
      await at.fixture.other.remove(third);
      await hintsUntil(position, touched);
    });

    it('wake a waiting caller', async () => {
      const position = await at.store.position();
      const patience = AbortSignal.timeout(20_000);
      const waiting = at.store.waitForChange(position, patience);
      await at.fixture.other.createFolder(at.folder.id, 'news');
      await waiting;
      expect(patience.aborted).toBe(false);
    });

    it('do not hold a caller who gives up', async () => {
      const giveUp = new AbortController();
      const waiting = at.store.waitForChange(await at.store.position(), giveUp.signal);
      giveUp.abort();
      await waiting;
    });
  });

  describe('a caller who gave up', () => {
    it('gets AbortError from every operation', async () => {
      const file = await at.put('f', 'x');
      const signal = AbortSignal.abort();
      const source = sourceOf('y');
      const calls = [
        at.store.findFolder(at.fixture.path, signal),
        at.store.get(file.id, 'file', signal),
        at.store.visibility(file.id, 'file', signal),
        at.store.list(at.folder.id, signal),
        at.store.createFolder(at.folder.id, 'a', signal),
        at.store.upload({ parentId: at.folder.id, name: 'b', source }, { signal }),
        at.store.uploadVersion({ ...file, source }, { signal }),
        at.store.download(file, { signal }),
        at.store.relocate({ ...file, parentId: at.folder.id, name: 'c' }, signal),
        at.store.remove(file, signal),
        at.store.versions(file.id, signal),
        at.store.position(signal),
      ];
      for (const call of calls) expect(await rejectionOf(call)).toMatchObject({ name: 'AbortError' });
      expect(await at.names()).toEqual(['f']);
    });
  });
}
