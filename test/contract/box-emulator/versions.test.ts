import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig, sha1 } from './rig.ts';

let rig: Rig;
let token: string;
let top: string;
let count = 0;

beforeAll(async () => {
  rig = await Rig.open();
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(() => rig.close());

const versionsOf = async (id: string): Promise<readonly { id: string; sha1: string }[]> =>
  (await rig.get(`/2.0/files/${id}/versions`, token)).body.entries;

async function fileOfThree(): Promise<string> {
  const id = await rig.file(token, top, `history-${++count}`, 'one');
  for (const content of ['two', 'three']) await rig.version(token, id, content);
  return id;
}

describe('versions', () => {
  it('are shown one by one, with who made them and when', async () => {
    const id = await fileOfThree();
    const [second] = await versionsOf(id);
    const shown = (await rig.get(`/2.0/files/${id}/versions/${second?.id}`, token)).body;
    expect(shown).toMatchObject({
      type: 'file_version',
      id: second?.id,
      sha1: sha1('two'),
      size: 3,
      name: `history-${count}`,
      modified_by: { id: rig.running.serviceAccountId },
      trashed_at: null,
    });
    expect((await rig.get(`/2.0/files/${await fileOfThree()}/versions/${second?.id}`, token)).status).toBe(
      404,
    );
  });

  it('are listed in pages by offset', async () => {
    const id = await fileOfThree();
    const all = await versionsOf(id);
    const page = (await rig.get(`/2.0/files/${id}/versions?limit=1&offset=1`, token)).body;
    expect(page).toMatchObject({ total_count: 2, limit: 1, offset: 1, entries: [{ id: all[1]?.id }] });
  });

  it('are deleted to be brought back, and cannot be downloaded or promoted between', async () => {
    const id = await fileOfThree();
    const first = (await versionsOf(id))[1]?.id;
    const path = `/2.0/files/${id}/versions/${first}`;
    const promote = () =>
      rig.call('POST', `/2.0/files/${id}/versions/current`, {
        token,
        json: { type: 'file_version', id: first },
      });
    expect(await rig.call('DELETE', path, { token })).toMatchObject({ status: 204, text: '' });
    expect((await rig.get(path, token)).body.trashed_at).toMatch(/^\d{4}-/);
    expect((await rig.get(`/2.0/files/${id}/content?version=${first}`, token)).status).toBe(404);
    expect((await promote()).status).toBe(404);
    const back = await rig.call('PUT', path, { token, json: { trashed_at: null } });
    expect(back).toMatchObject({ status: 200, body: { id: first, trashed_at: null } });
    expect((await rig.download(token, id, `?version=${first}`)).toString()).toBe('one');
    expect((await promote()).status).toBe(201);
  });

  it('tell of a promotion as ITEM_MAKE_CURRENT_VERSION, with the content that is current now', async () => {
    const id = await fileOfThree();
    const first = (await versionsOf(id))[1]?.id;
    const position = await rig.now(token);
    await rig.call('POST', `/2.0/files/${id}/versions/current`, {
      token,
      json: { type: 'file_version', id: first },
    });
    expect((await rig.events(token, position)).body.entries).toMatchObject([
      { event_type: 'ITEM_MAKE_CURRENT_VERSION', source: { id, sha1: sha1('one'), etag: '3' } },
    ]);
  });
});

describe('web links', () => {
  it('have names, places and etags like files, and no content', async () => {
    const call = (method: string, path: string, json?: unknown) =>
      rig.call(method, `/2.0/web_links${path}`, { token, ...(json === undefined ? {} : { json }) });
    const target = await rig.folder(token, top, `target-${++count}`);
    const url = 'https://example.org/map';
    const made = await call('POST', '', { url, name: 'map', parent: { id: top } });
    const { id } = made.body;
    expect(made.body).toMatchObject({ type: 'web_link', url, name: 'map', etag: '0', parent: { id: top } });
    expect((await call('PUT', `/${id}`, { name: 'chart' })).body).toMatchObject({ name: 'chart', etag: '1' });
    const moved = await call('PUT', `/${id}`, { parent: { id: target } });
    expect(moved.body).toMatchObject({ etag: '2', parent: { id: target } });
    expect((await rig.get(`/2.0/files/${id}/content`, token)).status).toBe(404);
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    expect((await call('GET', `/${id}`)).body).toMatchObject({ etag: '3', item_status: 'trashed' });
    expect((await call('POST', `/${id}`, {})).body).toMatchObject({ etag: '4', item_status: 'active' });
  });
});
