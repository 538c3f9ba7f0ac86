import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../../../random.ts';
import { Blobs } from './blobs.ts';
import { Collaborations } from './collaborations.ts';
import { openDatabase, type Sql } from './database.ts';
import { Events } from './events.ts';
import { Groups } from './groups.ts';
import { Items } from './items.ts';
import { Meta } from './meta.ts';
import { Tokens } from './tokens.ts';
import { UploadSessions } from './upload-sessions.ts';
import { Users } from './users.ts';
import { Versions } from './versions.ts';

/** Everything that the emulated Box remembers. */
export interface Store {
  readonly sql: Sql;
  readonly meta: Meta;
  readonly users: Users;
  readonly groups: Groups;
  readonly collaborations: Collaborations;
  readonly items: Items;
  readonly versions: Versions;
  readonly blobs: Blobs;
  readonly events: Events;
  readonly tokens: Tokens;
  readonly uploads: UploadSessions;
  /** Called when a change was taken back, for whoever remembers what it read meanwhile. */
  onRollback(listener: () => void): void;
  /** Run a change: all of it happens, or nothing. */
  transaction<Result>(change: () => Result): Result;
  close(): Promise<void>;
}

/**
 * Open the store in `dataDir`, or in a fresh temporary folder that goes away on close. `random` says where ids begin.
 *
 * Guarantees: content never has to fit into memory, and a killed process leaves a `dataDir` that opens again.
 */
export async function openStore(dataDir: string | undefined, random: Random): Promise<Store> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'box-emulator-')));
  await mkdir(folder, { recursive: true });
  const sql = openDatabase(join(folder, 'metadata.sqlite'), dataDir !== undefined, random);
  const users = new Users(sql);
  const listeners: (() => void)[] = [() => users.forgetCached()];
  let open = true;
  return {
    sql,
    users,
    meta: new Meta(sql),
    groups: new Groups(sql),
    collaborations: new Collaborations(sql),
    items: new Items(sql),
    versions: new Versions(sql),
    blobs: await Blobs.open(sql, join(folder, 'content')),
    events: new Events(sql),
    tokens: new Tokens(sql),
    uploads: new UploadSessions(sql),
    onRollback(listener) {
      listeners.push(listener);
    },
    transaction(change) {
      try {
        return sql.transaction(change)();
      } catch (error) {
        for (const listener of listeners) listener();
        throw error;
      }
    },
    async close() {
      if (!open) return;
      open = false;
      sql.close();
      if (dataDir === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
