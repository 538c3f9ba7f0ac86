import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../src/atomic-file.ts';
import { errnoOf } from '../../src/errors.ts';
import { type Random, randomBelow } from '../../src/random.ts';

const FOLDERS = 12;
const sha1Of = (content: string | Buffer) => createHash('sha1').update(content).digest('hex');
const FILE_BYTES_MAX = 4096;

/** Where a person writes, and where to take what is deleted, out of the mirror and on the same disk. */
interface WriterPlaces {
  readonly root: string;
  readonly bin: string;
}

/**
 * A person at one site: makes files and folders, writes over what stands there, renames, moves and deletes.
 *
 * Guarantees: no two contents are alike; `kept` holds the hash of every finished content that this person did not take away
 * before it can have left, with where it was written; `taken` holds those that this person deleted or wrote over.
 */
export class Writer {
  readonly kept = new Map<string, string>();
  readonly taken = new Set<string>();
  readonly #site: string;
  readonly #root: string;
  readonly #bin: string;
  readonly #random: Random;
  #count = 0;

  constructor(site: string, { root, bin }: WriterPlaces, random: Random) {
    this.#site = site;
    this.#root = root;
    this.#bin = bin;
    this.#random = random;
  }

  /** Do one thing. */
  async act(): Promise<void> {
    const luck = this.#random.next();
    try {
      if (luck < 0.55) await this.#write(await this.#newPath());
      else if (luck < 0.75) await this.#write(await this.#anyFile());
      else if (luck < 0.85) await this.#move();
      else if (luck < 0.93) await this.#delete();
      else if (luck < 0.97) await this.#makeFolder(this.#folderName());
      else await this.#renameFolder();
    } catch (error) {
      // Another site was faster: what was to be changed stands elsewhere or is gone, and so may be the disk.
      if (!['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  async #write(path: string | undefined): Promise<void> {
    if (path === undefined) return;
    this.#count += 1;
    const head = `${this.#site} wrote ${this.#count} `;
    const text = head + '.'.repeat(randomBelow(this.#random, FILE_BYTES_MAX));
    const full = join(this.#root, path);
    await this.#giveUp(full);
    if (this.#random.next() < 0.8) await writeFileAtomically(full, text);
    else await writeFile(full, text);
    this.kept.set(sha1Of(text), `${head}at ${path}`);
  }

  /** What this person takes away may not have left yet: it is no longer looked for. */
  async #giveUp(full: string): Promise<void> {
    const standing = await readFile(full).catch(() => undefined);
    if (standing === undefined) return;
    this.kept.delete(sha1Of(standing));
    this.taken.add(sha1Of(standing));
  }

  async #move(): Promise<void> {
    const [from, to] = [await this.#anyFile(), await this.#newPath()];
    if (from === undefined || to === undefined) return;
    await this.#giveUp(join(this.#root, to));
    await rename(join(this.#root, from), join(this.#root, to));
  }

  async #delete(): Promise<void> {
    const path = await this.#anyFile();
    if (path === undefined) return;
    // What goes is looked at once nobody can put another content in its place.
    const gone = join(this.#bin, path.slice(path.indexOf('/') + 1));
    await mkdir(this.#bin).catch(() => undefined);
    await rename(join(this.#root, path), gone);
    await this.#giveUp(gone);
    await rm(gone);
  }

  async #renameFolder(): Promise<void> {
    const [from, to] = [this.#folderName(), this.#folderName()];
    await rename(join(this.#root, from), join(this.#root, to));
  }

  /** In the mirrored folder, which is not made: where it is missing its disk is. */
  async #makeFolder(name: string): Promise<void> {
    await mkdir(join(this.#root, name)).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  }

  #folderName(): string {
    return `folder_${randomBelow(this.#random, FOLDERS)}`;
  }

  async #newPath(): Promise<string> {
    const folder = this.#folderName();
    await this.#makeFolder(folder);
    return `${folder}/${this.#site}_${randomBelow(this.#random, 1_000_000)}.txt`;
  }

  async #anyFile(): Promise<string | undefined> {
    const folder = this.#folderName();
    const names = (await readdir(join(this.#root, folder))).filter((name) => name.endsWith('.txt'));
    const name = names[randomBelow(this.#random, Math.max(1, names.length))];
    return name === undefined ? undefined : `${folder}/${name}`;
  }
}
