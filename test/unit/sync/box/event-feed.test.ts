import { afterEach, describe, expect, it } from 'vitest';
import { EventFeed, streamPositionOf } from '../../../../src/sync/box/event-feed.ts';
import { FakeClock } from './fake-clock.ts';
import { json, type Reply, rawServer } from './raw-server.ts';
import { testSession } from './test-session.ts';

const DAY_MS = 86_400_000;
const LONG = '1152922976252290886';

const event = (id: string, type: string, source: unknown) => ({
  type: 'event',
  event_id: id,
  event_type: type,
  source,
});
const file = (id: string, parent = '9') => ({ type: 'file', id, parent: { type: 'folder', id: parent } });
/** Written by hand: the position must reach the wire as a 64-bit number. */
const page = (position: string, entries: unknown[]): Reply =>
  json(
    200,
    `{"chunk_size":${entries.length},"next_stream_position":${position},"entries":${JSON.stringify(entries)}}`,
  );

describe('EventFeed', () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());
  const feedAt = async (...replies: Reply[]) => {
    const server = await rawServer(replies);
    close = server.close;
    const clock = new FakeClock();
    const { session } = testSession(server.url);
    const asked = () =>
      server.received.map(({ path }) => new URL(path, 'http://x').searchParams.get('stream_position'));
    return { feed: new EventFeed(session, clock), clock, asked };
  };

  it('keeps every digit of a position', async () => {
    const { feed, asked } = await feedAt(page(LONG, []), page(LONG, []));
    const position = await feed.position();
    expect(streamPositionOf(position)).toBe(LONG);
    await feed.changes(position);
    expect(asked()).toEqual(['now', LONG]);
  });

  it('reads on after a long page, and leaves what may follow a short one to the next reading', async () => {
    const many = (from: number) =>
      Array.from({ length: 50 }, (_, index) =>
        event(`${from + index}`, 'ITEM_UPLOAD', file(`${from + index}`)),
      );
    const { feed, asked } = await feedAt(
      page('10', []),
      page('11', many(100)),
      page('12', [event('b', 'ITEM_RENAME', file('2'))]),
      page('12', []),
    );
    const { hints, position, gap, ended } = await feed.changes(await feed.position());
    expect(hints).toHaveLength(51);
    expect({ gap, ended }).toEqual({ gap: false, ended: false });
    expect(streamPositionOf(position)).toBe('12');
    expect(asked()).toEqual(['now', '10', '11']);
    expect(await feed.changes(position)).toMatchObject({ hints: [], ended: true });
  });

  it('shows the file that an event about content carries whole, and of others only where to look', async () => {
    const whole = {
      ...file('1'),
      name: 'a_heartbeat.txt',
      etag: '7',
      sha1: 'AB'.repeat(20),
      size: 3,
      file_version: { id: '77' },
      modified_at: '2026-01-16T19:11:00Z',
    };
    const { feed } = await feedAt(
      page('10', []),
      page('11', [
        event('a', 'ITEM_UPLOAD', whole),
        event('b', 'ITEM_RENAME', whole),
        event('c', 'ITEM_UPLOAD', file('2')),
        event('d', 'ITEM_UPLOAD', { ...whole, item_status: 'trashed' }),
      ]),
    );
    const { hints } = await feed.changes(await feed.position());
    expect(hints.map((hint) => hint.file?.versionId)).toEqual(['77', undefined, undefined, undefined]);
    expect(hints[0]?.file).toMatchObject({ etag: '7', parentId: '9', content: { sha1: 'ab'.repeat(20) } });
  });

  it('tells an event once though it comes twice', async () => {
    const twice = event('a', 'ITEM_UPLOAD', file('1'));
    const { feed } = await feedAt(
      page('10', []),
      page('11', [twice, twice]),
      page('12', [twice]),
      page('12', []),
    );
    expect((await feed.changes(await feed.position())).hints).toHaveLength(1);
  });

  it('reads sources of every kind', async () => {
    const { feed } = await feedAt(
      page('10', []),
      page('11', [
        event('a', 'ITEM_MOVE', file('1', '5')),
        event('b', 'ITEM_TRASH', { item_type: 'folder', item_id: '2', parent: null }),
        event('c', 'COLLAB_REMOVE_COLLABORATOR', { type: 'collaboration', id: '3' }),
        event('d', 'SOMETHING_NEW', null),
        event('e', 'ITEM_DOWNLOAD', file('6')),
      ]),
      page('11', []),
    );
    const item = { accessChanged: false };
    expect((await feed.changes(await feed.position())).hints).toEqual([
      { ...item, itemId: '1', kind: 'file', parentId: '5' },
      { ...item, itemId: '2', kind: 'folder', parentId: null },
      { itemId: null, kind: null, parentId: null, accessChanged: true },
      { ...item, itemId: null, kind: null, parentId: null },
    ]);
  });

  const hintOf = async (type: string, source: unknown) => {
    const { feed } = await feedAt(page('10', []), page('11', [event('a', type, source)]), page('11', []));
    return (await feed.changes(await feed.position())).hints;
  };

  it.each(['LOCK_CREATE', 'LOCK_DESTROY'])('tells of %s with the file’s id', async (type) => {
    expect(await hintOf(type, file('7', '5'))).toEqual([
      { itemId: '7', kind: 'file', parentId: '5', accessChanged: false },
    ]);
  });

  it('tells of a lock that went with its file, though it shows none', async () => {
    expect(await hintOf('LOCK_DESTROY', null)).toEqual([
      { itemId: null, kind: null, parentId: null, accessChanged: false },
    ]);
  });

  it.each([
    'COLLAB_ADD_COLLABORATOR',
    'COLLAB_INVITE_COLLABORATOR',
    'COLLAB_ROLE_CHANGE',
    'COLLAB_REMOVE_COLLABORATOR',
    'GROUP_ADD_USER',
    'GROUP_REMOVE_USER',
    'ITEM_SHARED',
    'ITEM_SHARED_CREATE',
    'ITEM_SHARED_UNSHARE',
  ])('tells of %s as a change of access', async (type) => {
    const collaboration = { type: 'collaboration', id: '3' };
    const folder = { type: 'folder', id: '9', parent: { type: 'folder', id: '0' } };
    expect(await hintOf(type, collaboration)).toMatchObject([{ itemId: null, accessChanged: true }]);
    await close();
    expect(await hintOf(type, folder)).toMatchObject([{ itemId: '9', kind: 'folder', accessChanged: true }]);
  });

  it.each(['ITEM_DOWNLOAD', 'ITEM_PREVIEW', 'COMMENT_CREATE', 'TASK_ASSIGNMENT_CREATE', 'TAG_ITEM_CREATE'])(
    'does not look for %s',
    async (type) => {
      expect(await hintOf(type, file('7'))).toEqual([]);
    },
  );

  it.each(['', 'nonsense', '5@', '-5@1'])(
    'tells of a gap for the unreadable position %j',
    async (position) => {
      const { feed } = await feedAt(page('10', []));
      const answer = await feed.changes(position);
      expect(answer.gap).toBe(true);
      expect(streamPositionOf(answer.position)).toBe('10');
    },
  );

  it('tells of a gap when the position is older than Box promises to remember', async () => {
    const { feed, clock, asked } = await feedAt(page('10', []));
    const position = await feed.position();
    await clock.advance(13 * DAY_MS);
    expect((await feed.changes(position)).gap).toBe(false);
    await clock.advance(2 * DAY_MS);
    expect((await feed.changes(position)).gap).toBe(true);
    expect(asked().at(-1)).toBe('now');
  });

  it('tells of a gap when the position was dated by a clock that has been set back since', async () => {
    const { feed, clock } = await feedAt(page('10', []));
    const ahead = (byMs: number) => `10@${clock.now() + byMs}`;
    expect((await feed.changes(ahead(60_000))).gap).toBe(false);
    const answer = await feed.changes(ahead(365 * DAY_MS));
    expect(answer.gap).toBe(true);
    expect((await feed.changes(answer.position)).gap).toBe(false);
  });

  it('tells of a gap when Box no longer knows the position', async () => {
    const refusal = json(400, { type: 'error', status: 400, code: 'bad_request' });
    const { feed } = await feedAt(page('10', []), refusal, page('20', []));
    const answer = await feed.changes(await feed.position());
    expect(answer).toMatchObject({ gap: true, hints: [] });
    expect(streamPositionOf(answer.position)).toBe('20');
  });

  it('tells of a gap rather than reading for ever', async () => {
    let position = 10;
    const { feed } = await feedAt((request, response, raw) => {
      position += 1;
      const events = Array.from({ length: 50 }, (_, index) =>
        event(`e${position}-${index}`, 'ITEM_UPLOAD', file('1')),
      );
      page(String(position), events)(request, response, raw);
    });
    expect((await feed.changes(await feed.position())).gap).toBe(true);
  });
});
