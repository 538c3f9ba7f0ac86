import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

let rig: Rig;
let token: string;
let top: string;
let count = 0;
/** On a busy machine everything takes longer. */
const WAIT = { timeout: 15_000 };

beforeAll(async () => {
  rig = await Rig.open();
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(() => rig.close());

interface Event {
  readonly event_id: string;
  readonly event_type: string;
  readonly source: { readonly name: string; readonly id: string };
}

const since = async (position: number, query = ''): Promise<readonly Event[]> =>
  (await rig.events(token, position, query)).body.entries;

const types = (events: readonly Event[]) => events.map((event) => event.event_type);

describe('the user’s stream', () => {
  it('tells of each change with the item at its new place', async () => {
    const target = await rig.folder(token, top, `target-${++count}`);
    const position = await rig.now(token);
    const id = await rig.file(token, top, `file-${count}`);
    await rig.version(token, id, 'new');
    await rig.call('PUT', `/2.0/files/${id}`, { token, json: { name: `renamed-${count}` } });
    await rig.call('PUT', `/2.0/files/${id}`, { token, json: { parent: { id: target } } });
    await rig.call('PUT', `/2.0/files/${id}`, { token, json: { lock: { type: 'lock' } } });
    await rig.call('PUT', `/2.0/files/${id}`, { token, json: { lock: null } });
    await rig.call('POST', `/2.0/files/${id}/copy`, { token, json: { parent: { id: top } } });
    await rig.call('DELETE', `/2.0/files/${id}`, { token });
    await rig.call('POST', `/2.0/files/${id}`, { token, json: {} });
    const events = await since(position);
    expect(types(events)).toEqual([
      'ITEM_UPLOAD',
      'ITEM_UPLOAD',
      'ITEM_RENAME',
      'ITEM_MOVE',
      'LOCK_CREATE',
      'LOCK_DESTROY',
      'ITEM_COPY',
      'ITEM_TRASH',
      'ITEM_UNDELETE_VIA_TRASH',
    ]);
    expect(events[3]?.source).toMatchObject({ id, parent: { id: target }, etag: '3', sequence_id: '3' });
    expect(events[7]?.source).toMatchObject({ item_status: 'trashed' });
    expect(events[0]?.event_id).toMatch(/^[0-9a-f]{40}$/);
  });

  it('is paged by positions that are JSON numbers and only grow', async () => {
    const position = await rig.now(token);
    for (let file = 0; file < 5; file += 1) await rig.file(token, top, `paged-${++count}`);
    const first = (await rig.events(token, position, '&limit=3')).body;
    expect(first).toMatchObject({ chunk_size: 3 });
    expect(typeof first.next_stream_position).toBe('number');
    const second = (await rig.events(token, first.next_stream_position, '&limit=3')).body;
    expect(second.entries).toHaveLength(2);
    const third = (await rig.events(token, second.next_stream_position)).body;
    expect(third).toMatchObject({
      chunk_size: 0,
      entries: [],
      next_stream_position: second.next_stream_position,
    });
    const all = (await rig.events(token, 0, '&limit=500')).body;
    expect(all.entries.length).toBeGreaterThan(5);
  });

  it('can have positions longer than a JavaScript number holds', async () => {
    await rig.settings({ streamPositionBase: '1152922976252290886' });
    const { text } = await rig.events(token, 'now');
    const digits = /"next_stream_position":(\d+)/.exec(text)?.[1] ?? '';
    expect(BigInt(digits)).toBeGreaterThan(BigInt(Number.MAX_SAFE_INTEGER));
    await rig.file(token, top, `long-${++count}`);
    expect((await rig.events(token, digits)).body.entries).toHaveLength(1);
    await rig.settings({ streamPositionBase: '0' });
  });

  it('delays, doubles, loses and shuffles events where a test asks for it', async () => {
    const fault = (effect: string, extra = {}) =>
      rig.control('POST', '/faults', {
        match: {},
        action: { kind: 'events', effect, ...extra },
        ...(effect === 'reorder' ? { times: 4 } : { times: 1 }),
      });
    let position = await rig.now(token);
    await fault('duplicate');
    await rig.file(token, top, `double-${++count}`);
    const doubled = await since(position);
    expect(doubled).toHaveLength(2);
    expect(doubled[0]?.event_id).toBe(doubled[1]?.event_id);
    position = await rig.now(token);
    await fault('lose');
    await rig.file(token, top, `lost-${++count}`);
    expect(await since(position)).toEqual([]);
    await fault('late', { ms: 1500 });
    await rig.file(token, top, `late-${++count}`);
    await rig.file(token, top, `early-${count}`);
    expect((await since(position)).map((each) => each.source.name)).toEqual([`early-${count}`]);
    await expect.poll(async () => (await since(position)).length, WAIT).toBe(2);
    expect((await since(position))[1]?.source.name).toBe(`late-${count}`);
    position = await rig.now(token);
    await fault('reorder', { ms: 100 });
    for (let file = 0; file < 4; file += 1) await rig.file(token, top, `shuffled-${++count}`);
    await expect.poll(async () => (await since(position)).length, WAIT).toBe(4);
  });

  it('forgets what is older than the retention', async () => {
    const old = await rig.now(token);
    await rig.file(token, top, `old-${++count}`);
    await rig.settings({ clockOffsetMs: 22 * 86_400_000 });
    const late = await rig.service();
    await rig.file(late, top, `young-${++count}`);
    const jumped = (await rig.events(late, old)).body.entries as readonly Event[];
    expect(jumped.map((each) => each.source.name)).toEqual([`young-${count}`]);
    await rig.settings({ stalePosition: 'error' });
    expect((await rig.events(late, old - 1)).status).toBe(400);
    await rig.settings({ stalePosition: 'empty' });
    expect((await rig.events(late, old - 1)).body.entries).toEqual([]);
    await rig.settings({ clockOffsetMs: 0, stalePosition: 'jump' });
    token = await rig.service();
  });
});

describe('the long poll', () => {
  const subscribe = async () => {
    const realtime = (await rig.call('OPTIONS', '/2.0/events', { token })).body;
    expect(realtime).toMatchObject({
      chunk_size: 1,
      entries: [{ type: 'realtime_server', ttl: '10', max_retries: '10', retry_timeout: 610 }],
    });
    return realtime.entries[0].url as string;
  };

  it('is held until something happens that the user can see', async () => {
    const url = await subscribe();
    expect(new URL(url).origin).not.toBe(rig.url);
    const position = await rig.now(token);
    const polling = rig.get(`${url}&stream_position=${position}`, token);
    await expect.poll(async () => (await rig.control('GET', '/stats')).body.open_long_polls, WAIT).toBe(1);
    const { token: stranger } = await rig.appUser(`stranger-${++count}`);
    await rig.folder(stranger, '0', 'unseen');
    expect((await rig.control('GET', '/stats')).body.open_long_polls).toBe(1);
    await rig.file(token, top, `seen-${count}`);
    expect((await polling).body).toEqual({ version: 1, message: 'new_change' });
    expect((await rig.get(`${url}&stream_position=${position}`, token)).body.message).toBe('new_change');
  });

  it('says reconnect when its time is over, and to channels that it does not know', async () => {
    await rig.settings({ longPollHoldMs: 30 });
    expect((await rig.get(await subscribe())).body.message).toBe('reconnect');
    await rig.settings({ longPollHoldMs: 600_000 });
    const url = new URL(await subscribe());
    url.searchParams.set('channel', 'unknown');
    expect((await rig.get(url.href)).body).toEqual({ version: 1, message: 'reconnect' });
  });

  it('is not counted as a call', async () => {
    const url = await subscribe();
    await rig.control('POST', '/stats/reset');
    await rig.settings({ longPollHoldMs: 10 });
    await rig.get(url);
    await rig.settings({ longPollHoldMs: 600_000 });
    expect((await rig.control('GET', '/stats')).body.calls.total).toBe(0);
  });
});
