import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator } from '../../../src/sync/box-emulator/emulator.ts';
import { Rig } from './rig.ts';

let rig: Rig;
let token: string;
let top: string;

beforeAll(async () => {
  rig = await Rig.open();
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(() => rig.close());

const ask = (path: string, json: unknown) => rig.call('OPTIONS', path, { token, json });

describe('a preflight', () => {
  it('gives an absolute address on the other origin, which takes the upload, and no token', async () => {
    const asked = { name: 'new', size: 3, parent: { id: top } };
    const { status, body } = await ask('/2.0/files/content', asked);
    expect([status, body]).toEqual([200, { upload_url: expect.any(String), upload_token: null }]);
    expect(new URL(body.upload_url).origin).not.toBe(rig.url);
    const attributes = { name: 'new', parent: { id: top } };
    expect((await rig.upload(token, attributes, 'new', {}, body.upload_url)).status).toBe(201);
  });

  it('for a version says so, too, and its address makes one', async () => {
    const id = await rig.file(token, top, 'versioned');
    const { body } = await ask(`/2.0/files/${id}/content`, { size: 3 });
    expect(body).toEqual({ upload_url: expect.any(String), upload_token: null, download_url: null });
    const made = await rig.upload(token, {}, 'two', {}, body.upload_url);
    expect(made.body.entries[0]).toMatchObject({ id, etag: '1' });
  });

  it('finds an id by its name, without a size and with a slash at the end, as rclone asks', async () => {
    const id = await rig.file(token, top, 'Known.txt');
    const { status, body } = await ask('/2.0/files/content/', { name: 'known.TXT', parent: { id: top } });
    expect([status, body.context_info.conflicts.id]).toEqual([409, id]);
  });
});

describe('a folder', () => {
  it('comes with the page of its entries that is asked for', async () => {
    const folder = await rig.folder(token, top, 'paged');
    for (const name of ['a', 'b', 'c']) await rig.file(token, folder, name);
    const page = (await rig.get(`/2.0/folders/${folder}?limit=1&offset=1&direction=DESC`, token)).body;
    expect(page.item_collection).toMatchObject({
      total_count: 3,
      limit: 1,
      offset: 1,
      entries: [{ type: 'file', name: 'b' }],
    });
    const [entry] = (await rig.get(`/2.0/folders/${top}/items?sort=id`, token)).body.entries;
    expect(entry).not.toHaveProperty('item_collection');
  });
});

describe('the defaults', () => {
  it('are Box’s own', async () => {
    const running = await startEmulator();
    const answer = await fetch(`${running.url}/_emulator/settings`);
    expect(await answer.json()).toMatchObject({
      rateLimitPerMinute: 1000,
      uploadRateLimitPerMinute: 240,
      chunkedMinimumBytes: 20_000_000,
      partSizeBytes: 8 * 1024 * 1024,
      uploadSessionLifetimeS: 7 * 86_400,
      downloadUrlLifetimeS: 15 * 60,
      eventRetentionDays: 21,
      trashLifetimeDays: 30,
      offsetMax: 10_000,
      timeZone: 'America/Los_Angeles',
    });
    await running.close();
  });
});
