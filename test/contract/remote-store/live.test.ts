import { randomUUID } from 'node:crypto';
import { afterAll, describe, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { invariant } from '../../../src/invariant.ts';
import { silentLogger } from '../../../src/logger.ts';
import { systemRandom } from '../../../src/random.ts';
import { readBoxConfiguration } from '../../../src/sync/box/box-configuration.ts';
import { openBoxStore } from '../../../src/sync/box/box-store.ts';
import type { RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import { describeRemoteStore } from './suite.ts';

/** A key file of a real application, the group of its users, and a folder that the group may edit. */
const { BOX_LIVE_CONFIGURATION: path, BOX_LIVE_GROUP: groupName, BOX_LIVE_FOLDER: folderName } = process.env;

if (path === undefined || groupName === undefined || folderName === undefined) {
  describe('RemoteStore: Box itself', () => {
    it.skip('needs BOX_LIVE_CONFIGURATION, BOX_LIVE_GROUP and BOX_LIVE_FOLDER', () => {});
  });
} else {
  const opened: RemoteStore[] = [];
  const open = async (name: string) => {
    const store = await openBoxStore({
      configuration: await readBoxConfiguration(path),
      identity: { kind: 'app-user', name, groupName },
      clock: systemClock(),
      random: systemRandom(),
      logger: silentLogger,
      environment: process.env,
    });
    opened.push(store);
    return store;
  };
  afterAll(() => Promise.all(opened.map((store) => store.close())));
  let pair: Promise<readonly [RemoteStore, RemoteStore]> | undefined;

  describeRemoteStore('Box itself', async () => {
    pair ??= Promise.all([open('mila-sync-test-1'), open('mila-sync-test-2')]);
    const [store, other] = await pair;
    const shared = await store.findFolder([folderName]);
    invariant(shared !== undefined, `the group sees no folder named ${folderName}`);
    const name = `contract ${randomUUID()}`;
    const folder = await store.createFolder(shared.id, name);
    return {
      store,
      other,
      folder,
      path: [folderName, name],
      close: async () => void (await store.remove(folder)),
    };
  });
}
