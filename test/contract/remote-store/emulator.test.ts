import { afterAll, beforeAll } from 'vitest';
import { invariant } from '../../../src/invariant.ts';
import type { RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import { type EmulatedBox, emulatedBox } from './emulator-box.ts';
import { describeRemoteStore } from './suite.ts';

let box: EmulatedBox;
let stores: readonly [RemoteStore, RemoteStore];
let count = 0;

beforeAll(async () => {
  box = await emulatedBox({ streamPositionBase: '1152922976252290886' });
  stores = [await box.openAs('tester1'), await box.openAs('tester2')];
});
afterAll(() => box.close());

describeRemoteStore('Box, emulated', async () => {
  count += 1;
  const name = `Shared ${count}`;
  const id = await box.shareFolder(name);
  const [store, other] = stores;
  const folder = await store.get(id, 'folder');
  invariant(folder?.kind === 'folder', 'the shared folder is visible to its collaborators');
  return { store, other, folder, path: [name], close: async () => {} };
});
