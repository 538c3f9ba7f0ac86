import { describe, expect, it } from 'vitest';
import { MountStory } from '../../../src/cli/mount-story.ts';
import { AT_REST } from '../../support/mount-at-rest.ts';

const MINUTE_MS = 60_000;

function newsOf(told: readonly { readonly kind: string; readonly text: string }[]): readonly string[] {
  return told.filter(({ kind }) => kind === 'news').map(({ text }) => text);
}

describe('what a mount says', () => {
  it('tells an outage with its reason, and its end with how long it took', () => {
    const story = new MountStory(0);
    story.onState('in-sync', 0);
    expect(newsOf(story.onState('offline', 1000, 'no answer from api.box.com'))).toEqual([
      'Box is out of reach; trying again: no answer from api.box.com',
    ]);
    expect(newsOf(story.onState('offline', 2000))).toEqual([]);
    expect(newsOf(story.onState('in-sync', 33_000))).toEqual(['Box is in reach again, after 32 s']);
  });

  it('does not scroll while it syncs: that passes', () => {
    const story = new MountStory(0);
    for (const [index, state] of (
      ['starting', 'syncing', 'in-sync', 'syncing', 'in-sync'] as const
    ).entries())
      expect(story.onState(state, index)).toEqual([{ kind: 'passing', text: expect.any(String) }]);
  });

  it('tells one trouble after another, each with its end', () => {
    const story = new MountStory(0);
    story.onState('full', 0);
    expect(newsOf(story.onState('root-missing', 60_000))).toEqual([
      'there is room again, after 1 min 0 s',
      expect.stringContaining('is gone from the disk'),
    ]);
  });

  it('says nothing twice: the end is told by whoever ends it, what to do about a mirror that is empty with that state', () => {
    const story = new MountStory(0);
    expect(story.onState('root-emptied', 0)).toHaveLength(1);
    const emptied = { ...AT_REST, state: 'root-emptied' as const, held: { count: 6, limit: 3 } };
    expect(newsOf(story.look(emptied, 0))).toEqual(['6 deletions are held (limit 3)']);
    expect(story.onState('stopped', 1000)).toEqual([]);
  });

  it('tells conflicts, held deletions and what cannot be mirrored once, and when deletions are no longer held', () => {
    const story = new MountStory(0);
    const problem = {
      side: 'local',
      id: 1,
      path: 'a\nb',
      reason: 'name-refused',
      message: 'refused',
    } as never;
    const troubled = { ...AT_REST, conflicts: 2, held: { count: 7, limit: 5 }, problems: [problem] };
    expect(newsOf(story.look(troubled, 0))).toEqual([
      '2 conflict copies were kept; mila-sync conflicts lists them',
      expect.stringContaining('7 deletions are held (limit 5)'),
      'a\nb: refused',
    ]);
    expect(story.look(troubled, 1000)).toEqual([]);
    expect(newsOf(story.look({ ...troubled, held: null }, 2000))).toEqual(['no deletions are held any more']);
  });

  it('tells what the limits of Box hold back', () => {
    const story = new MountStory(0);
    const busy = { ...AT_REST, state: 'syncing' as const, queue: { control: 3, bulk: 250 } };
    const paced = { calls: 'uploads', perMinute: 228, waitMs: 700 } as const;
    expect(story.look(busy, 0, paced)).toEqual([
      { kind: 'passing', text: '228 uploads a minute is the limit: 253 entries wait, about 1 min 7 s' },
    ]);
  });

  it('tells how far a long transfer is: passing, and every five minutes to stay', () => {
    const story = new MountStory(0);
    const transfer = {
      path: 'rounds/1/a.pt',
      direction: 'up',
      sizeBytes: 1024 ** 3,
      doneBytes: 512 * 1024 ** 2,
    } as const;
    const moving = {
      ...AT_REST,
      transfers: [transfer],
      throughput: { up: 8 * 1024 ** 2, down: 0 },
      bytes: { up: 512 * 1024 ** 2, down: 0 },
    };
    const text = 'rounds/1/a.pt up: 50 % of 1.0 GiB, about 1 min 4 s left';
    expect(story.look(moving, 1000)).toEqual([{ kind: 'passing', text }]);
    expect(story.look(moving, 5 * MINUTE_MS)).toEqual([{ kind: 'passing', text }]);
    expect(story.look(moving, 5 * MINUTE_MS + 1000)).toEqual([{ kind: 'news', text }]);
    expect(story.look(moving, 6 * MINUTE_MS)).toEqual([{ kind: 'passing', text }]);
  });

  it('says what was moved every five minutes, and nothing where nothing was', () => {
    const story = new MountStory(0);
    expect(story.look(AT_REST, 10 * MINUTE_MS)).toEqual([]);
    const moved = { ...AT_REST, bytes: { up: 1024, down: 1024 } };
    expect(newsOf(story.look(moved, 11 * MINUTE_MS))).toEqual([
      'in sync; 2.0 KiB moved in 11 min 0 s, 12 calls to Box this hour',
    ]);
    expect(story.look(moved, 20 * MINUTE_MS)).toEqual([]);
  });
});
