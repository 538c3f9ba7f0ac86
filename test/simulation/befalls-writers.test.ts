import { beforeEach, describe, expect, it } from 'vitest';
import type { RemoteFile } from '../../src/sync/tree/entry.ts';
import { BefallsStage, NAMES } from './befalls-stage.ts';
import { MIRROR } from './places.ts';

/** What programs and disks do to files while a mount looks, each as a story: the table of docs/mount.md names them. */
describe('what befalls the files of a mirror', () => {
  let stage: BefallsStage;
  beforeEach(async () => {
    stage = await BefallsStage.open();
  });

  it('a disk whose clock lags publishes no half checkpoint', async () => {
    await stage.settled();
    stage.site.clocks.diskOffsetMs = -10_000;
    stage.site.clocks.processOffsetMs = 5 * 3_600_000;
    const path = `${MIRROR}/model.bin`;
    const node = stage.site.disk.create(path, true);
    for (let piece = 1; piece <= 20; piece += 1) {
      stage.site.disk.write(node, Buffer.alloc(piece * 70_000, piece), 'program', path);
      await stage.run(250);
    }
    stage.oracle.finishes(undefined, node.bytes.toString());
    await stage.run(60_000);
    const sent = (await stage.web.list(stage.folder.id))?.find(({ name }) => name === 'model.bin');
    expect(stage.contents((sent as RemoteFile).id)?.map(({ length }) => length)).toEqual([
      node.bytes.toString().length,
    ]);
  });

  it('a writer that pauses publishes nothing before it closes its file, and is named', async () => {
    await stage.settled();
    const path = `${MIRROR}/client.pt`;
    const node = stage.site.disk.create(path, true);
    node.openFor += 1;
    await stage.run(8_000);
    stage.site.disk.write(node, Buffer.from('first half'), 'program', path);
    await stage.run(8_000);
    expect(stage.status()?.notices.join()).toMatch(/client\.pt is open for writing/);
    stage.site.disk.write(node, Buffer.from('first half, second half'), 'program', path);
    await stage.run(1_000);
    stage.oracle.finishes(node, 'first half, second half');
    node.openFor -= 1;
    await stage.run(5_000);
    const sent = (await stage.web.list(stage.folder.id))?.find(({ name }) => name === 'client.pt');
    expect(stage.contents((sent as RemoteFile).id)).toEqual(['first half, second half']);
    expect(stage.status()?.notices).toEqual([]);
  });

  it('a file that stays open for ever is sent in the end', async () => {
    await stage.settled();
    const node = stage.write('training.log', 'one line');
    node.openFor += 1;
    await stage.run(15_000);
    expect(await stage.inBox()).toContain('training.log');
  });

  it('an empty checkpoint is not sent, and told, until there is something in it', async () => {
    await stage.settled();
    const node = stage.write('client.pt', '');
    await stage.run(30_000);
    expect(await stage.inBox()).not.toContain('client.pt');
    expect(stage.status()?.problems).toMatchObject([{ path: 'client.pt', reason: 'empty' }]);
    stage.site.disk.write(node, Buffer.from('content'), 'program', `${MIRROR}/client.pt`);
    stage.oracle.finishes(undefined, 'content');
    await stage.run(5_000);
    expect(await stage.inBox()).toContain('client.pt');
    expect(stage.status()?.problems).toEqual([]);
  });

  it('a file that grows all the time is not sent all the time, and its last state comes within a minute', async () => {
    await stage.settled();
    let text = '';
    const node = stage.site.disk.create(`${MIRROR}/run.log`, true);
    for (let line = 0; line < 400; line += 1) {
      text += `line ${line}\n`;
      stage.oracle.finishes(undefined, text);
      stage.site.disk.write(node, Buffer.from(text), 'program', `${MIRROR}/run.log`);
      await stage.run(300);
    }
    await stage.run(62_000);
    const sent = (await stage.web.list(stage.folder.id))?.find(({ name }) => name === 'run.log');
    const versions = stage.contents((sent as RemoteFile).id) ?? [];
    expect(versions.at(-1)).toBe(text);
    expect(versions.length).toBeLessThan(20);
  });

  it('a heartbeat that is replaced every two seconds is never put off', async () => {
    await stage.settled();
    for (let beat = 0; beat < 40; beat += 1) {
      const temporary = `${MIRROR}/.beat.mila-tmp`;
      const node = stage.site.disk.create(temporary, true);
      stage.site.disk.write(node, Buffer.from(`beat ${beat}`), 'program', temporary);
      stage.oracle.finishes(undefined, `beat ${beat}`);
      stage.site.disk.rename(temporary, `${MIRROR}/beat.txt`);
      await stage.run(2_000);
    }
    const sent = (await stage.web.list(stage.folder.id))?.find(({ name }) => name === 'beat.txt');
    expect(stage.contents((sent as RemoteFile).id)).toHaveLength(40);
  });

  it('the last store through a memory map reaches Box, though no time tells of it', async () => {
    await stage.settled();
    const node = stage.write('array.npy', 'first');
    stage.site.disk.storeMapped(node, Buffer.from('second'), true);
    stage.oracle.finishes(undefined, 'second');
    await stage.run(10_000);
    stage.site.disk.storeMapped(node, Buffer.from('third'), false);
    stage.site.disk.storeMapped(node, Buffer.from('fourth'), false);
    for (const text of ['third', 'fourth']) stage.oracle.finishes(undefined, text);
    await stage.run(60_000);
    const sent = (await stage.web.list(stage.folder.id))?.find(({ name }) => name === 'array.npy');
    expect(stage.contents((sent as RemoteFile).id)?.at(-1)).toBe('fourth');
  });

  it('a disk that does not tell births renames without sending anything anew', async () => {
    stage.site.disk.tellsBirth = false;
    await stage.settled();
    stage.site.calls = [];
    for (const name of NAMES.slice(0, 3))
      stage.site.disk.rename(`${MIRROR}/${name}`, `${MIRROR}/new-${name}`);
    await stage.run(10_000);
    expect(stage.site.calls.filter((call) => call === 'upload' || call === 'remove')).toEqual([]);
    expect(stage.site.calls.filter((call) => call === 'relocate')).toHaveLength(3);
  });

  it('a reported file that goes is not reported any more', async () => {
    await stage.settled();
    stage.site.unreadable.add(`${MIRROR}/secret.txt`);
    stage.write('secret.txt', 'nobody reads this');
    await stage.run(10_000);
    expect(stage.status()?.problems).toMatchObject([{ path: 'secret.txt', reason: 'unreadable' }]);
    stage.site.disk.removeFile(`${MIRROR}/secret.txt`);
    await stage.run(10_000);
    expect(stage.status()?.problems).toEqual([]);
  });

  it('a full disk is full no longer once what did not fit is gone', async () => {
    await stage.settled();
    stage.site.disk.roomBytes = 10;
    const big = await stage.put('big.bin', 'x'.repeat(2_000));
    await stage.run(20_000);
    expect(stage.status()?.state).toBe('full');
    await stage.web.remove(big);
    await stage.run(20_000);
    expect(stage.status()).toMatchObject({ state: 'in-sync', trouble: null });
  });
});
