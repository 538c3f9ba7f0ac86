import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasSdk, runScenarios, type SdkPeer, scenariosOf } from '../../support/box-sdk-peers.ts';
import { Rig } from './rig.ts';

const PEERS: readonly (readonly [string, SdkPeer])[] = [
  ['boxsdk 3.6.1, which kMoL runs on', { folder: 'boxsdk-3.6', script: 'boxsdk_peer.py' }],
  ['boxsdk 3.14.0', { folder: 'boxsdk-3.14', script: 'boxsdk_peer.py' }],
  ['boxsdk 10.18.0, the generated one', { folder: 'boxsdk-10', script: 'box_sdk_gen_peer.py' }],
];

describe.each(PEERS)('%s', (name, peer) => {
  describe.skipIf(!hasSdk(peer))('(skipped where it is not installed: npm run python-peers)', () => {
    let folder: string;
    let rig: Rig;
    let outcomes: ReadonlyMap<string, string | null>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'emulator-python-'));
      rig = await Rig.open({ chunkedMinimumBytes: 1_000_000, partSizeBytes: 1_048_576 });
      const path = join(folder, 'box.json');
      await writeFile(path, JSON.stringify(rig.running.configuration));
      outcomes = await runScenarios(peer, path);
    }, 150_000);
    afterAll(async () => {
      await rig.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('passes as many as the documentation says', async () => {
      const page = await readFile(resolve(import.meta.dirname, '../../../docs/emulator.md'), 'utf8');
      const [, version = ''] = /^(boxsdk [\d.]+)/.exec(name) ?? [];
      const row = page.split('\n').find((line) => line.startsWith(`| ${version} `)) ?? '';
      expect(row.split('|').map((cell) => cell.trim())[3]).toBe(String(scenariosOf(peer).length));
    });

    it.each(hasSdk(peer) ? scenariosOf(peer) : ['every scenario'])('%s', (scenario) => {
      expect(outcomes.get(scenario)).toBeNull();
    });
  });
});
