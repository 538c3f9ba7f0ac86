import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmulator } from '../../../src/sync/box-emulator/emulator.ts';
import { startProcess } from './emulator-process.ts';
import { Rig, sha1 } from './rig.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-data-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('an emulator with a data folder', () => {
  it('goes on where it was: items, content, tokens, positions, and the same configuration', async () => {
    const first = await Rig.open({ dataDir: folder });
    const token = await first.service();
    const top = await first.folder(token, '0', 'top');
    const small = await first.file(token, top, 'small', 'small');
    const large = await first.file(token, top, 'large', 'x'.repeat(100_000));
    const position = await first.now(token);
    await first.file(token, top, 'later');
    await first.close();
    const second = await Rig.open({ dataDir: folder });
    expect(second.running.configuration.boxAppSettings).toEqual(first.running.configuration.boxAppSettings);
    expect((await second.grant(await first.assertion())).status).toBe(200);
    expect((await second.download(token, small)).toString()).toBe('small');
    expect(await second.download(token, large)).toHaveLength(100_000);
    expect((await second.events(token, position)).body.entries).toMatchObject([
      { event_type: 'ITEM_UPLOAD' },
    ]);
    const fresh = await second.file(token, top, 'fresh');
    expect(Number(fresh)).toBeGreaterThan(Number(large));
    await second.close();
  });

  it('takes data that an earlier version of it wrote', async () => {
    const first = await Rig.open({ dataDir: folder });
    const token = await first.service();
    const id = await first.file(token, '0', 'old', 'one');
    const { file_version } = (await first.get(`/2.0/files/${id}`, token)).body;
    await first.version(token, id, 'two');
    await first.close();
    const sql = new Database(join(folder, 'metadata.sqlite'));
    for (const column of ['restored_at', 'restored_by'])
      sql.exec(`ALTER TABLE versions DROP COLUMN ${column}`);
    sql.exec('ALTER TABLE upload_sessions DROP COLUMN committed');
    sql.pragma('user_version = 1');
    sql.close();
    const second = await Rig.open({ dataDir: folder });
    expect((await second.download(token, id)).toString()).toBe('two');
    const path = `/2.0/files/${id}/versions/${file_version.id}`;
    await second.call('DELETE', path, { token });
    const back = await second.call('PUT', path, { token, json: { trashed_at: null } });
    expect(back.body.restored_at).toMatch(/^\d{4}-/);
    await second.close();
  });

  it.each([3, 999])('refuses data of a version that it does not know: %d', async (version) => {
    await (await Rig.open({ dataDir: folder })).close();
    const sql = new Database(join(folder, 'metadata.sqlite'));
    sql.pragma(`user_version = ${version}`);
    sql.close();
    await expect(Rig.open({ dataDir: folder })).rejects.toThrow(/has version \d+, this program knows 2/);
  });

  it('gives on after a restart what it has not given before', async () => {
    const ids: string[] = [];
    for (let life = 0; life < 3; life += 1) {
      const rig = await Rig.open({ dataDir: folder });
      ids.push(...(await identitiesOf(rig, `life ${life}`)).given);
      await rig.close();
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('leaves nothing behind without a data folder', async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('box-emulator-'));
    const running = await startEmulator();
    await running.close();
    await running.close();
    const after = (await readdir(tmpdir())).filter((name) => name.startsWith('box-emulator-'));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });

  it('survives kill -9 under load with every answered write in place', { timeout: 120_000 }, async () => {
    const answered = new Map<string, string>();
    for (let life = 0; life < 3; life += 1) {
      const emulator = await startProcess(folder);
      await writeUntilKilled(emulator.url, answered, () => emulator.kill(), 40 + life * 35);
    }
    const last = await Rig.open({ dataDir: folder });
    const { entries } = (await last.control('GET', '/tree')).body;
    const found = new Map<string, string>(
      entries
        .filter((entry: { type: string }) => entry.type === 'file')
        .map((entry: { id: string; sha1: string }) => [entry.id, entry.sha1]),
    );
    expect(answered.size).toBeGreaterThan(100);
    for (const [id, hash] of answered) expect(found.get(id)).toBe(hash);
    const token = await last.service();
    for (const id of [...answered.keys()].filter((_, index) => index % 17 === 0))
      expect(sha1(await last.download(token, id))).toBe(answered.get(id));
    const stored = await readdir(join(folder, 'content'));
    expect(stored.filter((name) => name.endsWith('.part'))).toEqual([]);
    await last.close();
  });
});

/** The ids of all kinds that an emulator gives, and where its event stream stands. */
async function identitiesOf(rig: Rig, name = 'a') {
  const token = await rig.service();
  const folder = await rig.folder(token, '0', name);
  const file = await rig.file(token, folder, 'f');
  const { body } = await rig.call('GET', `/2.0/files/${file}?fields=file_version`, { token });
  const { adminUserId, serviceAccountId, enterpriseId } = rig.running;
  return {
    given: [folder, file],
    version: String(body.file_version.id),
    accounts: [adminUserId, serviceAccountId],
    enterpriseId,
    position: await rig.now(token),
  };
}

describe('an emulator in memory', () => {
  it('gives no id and no position again that another one gave', async () => {
    const seen: Awaited<ReturnType<typeof identitiesOf>>[] = [];
    for (let life = 0; life < 2; life += 1) {
      const rig = await Rig.open();
      seen.push(await identitiesOf(rig));
      await rig.close();
    }
    const all = seen.flatMap(({ given, version, accounts, enterpriseId, position }) => [
      ...given,
      ...accounts,
      version,
      enterpriseId,
      String(position),
    ]);
    expect(new Set(all).size).toBe(all.length);
  });

  it('gives the same ones for the same seed, others for another', async () => {
    const ofSeed = async (seed: number) => {
      const rig = await Rig.open({ seed });
      const identities = await identitiesOf(rig);
      await rig.close();
      return identities;
    };
    const first = await ofSeed(7);
    expect(await ofSeed(7)).toEqual(first);
    const other = await ofSeed(8);
    expect(other.given).not.toEqual(first.given);
    expect(other.position).not.toBe(first.position);
  });
});

/** Upload small and large files in parallel, and kill the process once so many were answered. */
async function writeUntilKilled(
  base: string,
  answered: Map<string, string>,
  kill: () => Promise<void>,
  after: number,
): Promise<void> {
  const me = await fetch(`${base}/_emulator/app`);
  const { service_account_id } = (await me.json()) as { service_account_id: string };
  const issued = await fetch(`${base}/_emulator/users/${service_account_id}/token`, { method: 'POST' });
  const { access_token } = (await issued.json()) as { access_token: string };
  let done = 0;
  let killing: Promise<void> | undefined;
  const worker = async (number: number) => {
    for (let file = 0; killing === undefined; file += 1) {
      const content = `${number}/${file}/`.repeat(file % 3 === 0 ? 20_000 : 3);
      const form = new FormData();
      const name = `${process.hrtime.bigint()}-${number}`;
      form.append('attributes', JSON.stringify({ name, parent: { id: '0' } }));
      form.append('file', new Blob([content]), 'file');
      try {
        const answer = await fetch(`${base}/2.0/files/content`, {
          method: 'POST',
          body: form,
          headers: { authorization: `Bearer ${access_token}` },
        });
        if (answer.status !== 201) continue;
        const { entries } = (await answer.json()) as { entries: [{ id: string }] };
        answered.set(entries[0].id, sha1(content));
        done += 1;
        if (done >= after) killing ??= kill();
      } catch {
        // The connection broke with the process; what was not answered may be there or not.
        break;
      }
    }
  };
  await Promise.all([0, 1, 2, 3].map(worker));
  await killing;
}
