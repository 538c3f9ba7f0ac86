import { afterEach, beforeEach, expect } from 'vitest';
import type { RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import type { RemoteFile, RemoteFolder } from '../../../src/sync/tree/entry.ts';
import { bytesOf, sourceOf } from './source.ts';

/** Two accounts of one shared folder that is empty at first. */
export interface StoreFixture {
  readonly store: RemoteStore;
  readonly other: RemoteStore;
  readonly folder: RemoteFolder;
  /** The folder's path of names below the account's root. */
  readonly path: readonly string[];
  close(): Promise<void>;
}

export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail('expected a rejection'),
    (error: unknown) => error,
  );
}

export async function expectCode(
  work: Promise<unknown>,
  kind: new (...args: never[]) => Error,
  code: string,
) {
  const error = await rejectionOf(work);
  expect(error).toBeInstanceOf(kind);
  expect(error).toMatchObject({ code });
}

/** A store that is opened anew for each test, and what tests do with it. */
export class StoreStage {
  #fixture: StoreFixture | undefined;

  /** Open one before each test of the present group, and close it after. */
  constructor(open: () => Promise<StoreFixture>) {
    beforeEach(async () => {
      this.#fixture = await open();
    });
    afterEach(() => this.fixture.close());
  }

  get fixture(): StoreFixture {
    if (this.#fixture === undefined) throw new Error('no test runs');
    return this.#fixture;
  }

  get store(): RemoteStore {
    return this.fixture.store;
  }

  get folder(): RemoteFolder {
    return this.fixture.folder;
  }

  put(fileName: string, content: string, parent = this.folder): Promise<RemoteFile> {
    return this.store.upload({ parentId: parent.id, name: fileName, source: sourceOf(content) });
  }

  async read(file: RemoteFile, offset?: number): Promise<string> {
    const { id, versionId } = file;
    const wanted = { id, versionId, ...(offset === undefined ? {} : { offset }) };
    return (await bytesOf(await this.store.download(wanted))).toString();
  }

  async names(): Promise<readonly string[]> {
    return ((await this.store.list(this.folder.id)) ?? []).map((entry) => entry.name).sort();
  }
}
