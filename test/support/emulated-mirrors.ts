import type { BoxStoreOptions } from '../../src/sync/box/box-store.ts';
import type { EmulatorOptions } from '../../src/sync/box-emulator/emulator.ts';
import type { RemoteStore } from '../../src/sync/remote/remote-store.ts';
import type { RemoteFolder } from '../../src/sync/tree/entry.ts';
import { type EmulatedBox, emulatedBox } from '../contract/remote-store/emulator-box.ts';
import { sourceOf } from '../contract/remote-store/source.ts';
import { Mirror } from './mirror.ts';

interface TreeEntry {
  readonly id: string;
  readonly name: string;
  readonly parent_id: string;
  readonly status: string;
  readonly sha1: string | null;
  readonly versions?: readonly { readonly size: number }[];
}

/** Engines on real directories over an emulated Box, with a shared folder for each test and a person who works in Box itself. */
export class EmulatedMirrors {
  readonly box: EmulatedBox;
  /** The person in Box. */
  readonly web: RemoteStore;
  #folder: RemoteFolder | undefined;
  #count = 0;
  readonly #mirrors: Mirror[] = [];

  private constructor(box: EmulatedBox, web: RemoteStore) {
    this.box = box;
    this.web = web;
  }

  static async open(options: EmulatorOptions = {}): Promise<EmulatedMirrors> {
    const box = await emulatedBox(options);
    return new EmulatedMirrors(box, await box.openAs('web'));
  }

  get folder(): RemoteFolder {
    if (this.#folder === undefined) throw new Error('no test has begun');
    return this.#folder;
  }

  /** Share an empty folder that no test had before. */
  async begin(): Promise<RemoteFolder> {
    this.#count += 1;
    const name = `shared ${this.#count}`;
    await this.box.shareFolder(name);
    this.#folder = await this.web.findFolder([name]);
    return this.folder;
  }

  /** End what a test began: mirrors, faults. */
  async end(): Promise<void> {
    for (const mirror of this.#mirrors.splice(0)) await mirror.destroy();
    await this.box.clearFaults();
  }

  /** A mirror of the shared folder, or of one in it, that is not started yet. */
  async mirror(
    name: string,
    options: Partial<BoxStoreOptions> = {},
    folder: RemoteFolder = this.folder,
  ): Promise<Mirror> {
    const mirror = await Mirror.create(await this.box.openAs(name, options), folder);
    this.#mirrors.push(mirror);
    return mirror;
  }

  /** Have the person put files into Box. */
  async put(...names: readonly string[]): Promise<void> {
    for (const name of names)
      await this.web.upload({ parentId: this.folder.id, name, source: sourceOf(name) });
  }

  /** What Box shows in the shared folder, sorted. */
  async names(): Promise<readonly string[]> {
    return (await this.#living()).map(({ name }) => name).sort();
  }

  async idOf(name: string): Promise<string | undefined> {
    return (await this.#living()).find((entry) => entry.name === name)?.id;
  }

  async sha1Of(name: string): Promise<string | null | undefined> {
    return (await this.#living()).find((entry) => entry.name === name)?.sha1;
  }

  /** The sizes of all versions of a file in the shared folder, the oldest first. */
  async sizesSent(name: string): Promise<readonly number[]> {
    const file = (await this.#living()).find((entry) => entry.name === name);
    return (file?.versions ?? []).map(({ size }) => size);
  }

  /** Calls that Box has counted since `box.resetStats()`. */
  async calls(): Promise<number> {
    return (await this.box.stats()).calls.total;
  }

  async close(): Promise<void> {
    await this.end();
    await this.box.close();
  }

  async #living(): Promise<readonly TreeEntry[]> {
    // Written by the emulator itself.
    const { entries } = (await this.box.tree()) as unknown as { entries: readonly TreeEntry[] };
    return entries.filter((entry) => entry.parent_id === this.folder.id && entry.status === 'active');
  }
}
