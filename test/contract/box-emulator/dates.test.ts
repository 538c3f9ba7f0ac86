import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

let rig: Rig;
let token: string;
let top: string;
let count = 0;
let offsetMs = 0;

beforeAll(async () => {
  rig = await Rig.open({ tokenLifetimeS: 86_400 });
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(() => rig.close());

const fresh = (name: string) => `${name}-${++count}`;
const call = (method: string, path: string, json?: unknown) =>
  rig.call(method, `/2.0${path}`, { token, ...(json === undefined ? {} : { json }) });

/** Which dates of an item a change moves, when a minute lies between. */
async function moved(path: string, change: () => Promise<unknown>): Promise<readonly string[]> {
  const names = ['created_at', 'modified_at', 'content_created_at', 'content_modified_at'];
  const shown = async () => {
    const normal = await call('GET', path);
    return (normal.status === 200 ? normal : await call('GET', `${path}/trash`)).body;
  };
  const before = await shown();
  offsetMs += 60_000;
  await rig.settings({ clockOffsetMs: offsetMs });
  await change();
  const after = await shown();
  return names.filter((name) => before[name] !== after[name]);
}

describe('dates', () => {
  it('of a file: a rename moves modified_at alone, content moves both, a lock nothing', async () => {
    const id = await rig.file(token, top, fresh('file'));
    const path = `/files/${id}`;
    expect(await moved(path, () => call('PUT', path, { name: fresh('renamed') }))).toEqual(['modified_at']);
    expect(await moved(path, () => rig.version(token, id, 'new'))).toEqual([
      'modified_at',
      'content_modified_at',
    ]);
    expect(await moved(path, () => call('PUT', path, { lock: { type: 'lock' } }))).toEqual([]);
    expect(await moved(path, () => call('PUT', path, { lock: null }))).toEqual([]);
  });

  it('of a folder: a rename moves both, a move, the trash, a restore and a new child nothing', async () => {
    const id = await rig.folder(token, top, fresh('folder'));
    const target = await rig.folder(token, top, fresh('target'));
    const path = `/folders/${id}`;
    expect(await moved(path, () => call('PUT', path, { name: fresh('renamed') }))).toEqual([
      'modified_at',
      'content_modified_at',
    ]);
    expect(await moved(path, () => call('PUT', path, { parent: { id: target } }))).toEqual([]);
    expect(await moved(path, () => rig.file(token, id, 'child'))).toEqual([]);
    expect(await moved(path, () => call('DELETE', `${path}?recursive=true`))).toEqual([]);
    expect(await moved(path, () => call('POST', path, {}))).toEqual([]);
  });
});

describe('what has no place of its own', () => {
  it('an item in the trash keeps its parent, and stands in a folder "1" named Trash', async () => {
    const id = await rig.file(token, top, fresh('trashed'));
    await call('DELETE', `/files/${id}`);
    expect((await call('GET', `/files/${id}/trash`)).body).toMatchObject({
      parent: { id: top },
      path_collection: { total_count: 1, entries: [{ type: 'folder', id: '1', name: 'Trash' }] },
      item_status: 'trashed',
      shared_link: null,
    });
  });

  it('the root has nulls for dates and etag, and a creator without a name', async () => {
    expect((await call('GET', '/folders/0')).body).toMatchObject({
      type: 'folder',
      id: '0',
      sequence_id: null,
      etag: null,
      created_at: null,
      modified_at: null,
      content_created_at: null,
      content_modified_at: null,
      parent: null,
      path_collection: { total_count: 0, entries: [] },
      created_by: { type: 'user', id: '', name: '', login: '' },
    });
  });
});
