import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../src/atomic-file.ts';
import { errnoOf } from '../../src/errors.ts';
import { type Random, randomBelow } from '../../src/random.ts';

const FOLDERS = 12;
const sha1Of = (content: string | Buffer) => createHash('sha1').update(content).digest('hex');
const FILE_BYTES_MAX = 4096;

/**
 * A person at one site: makes files and folders, writes over what stands there, renames, moves and deletes.
 *
 * Guarantees: no two contents are alike; `kept` holds the hash of every finished content that this person did not take away
 * before it can have left, with where it was written.
 */
export class Writer {
  readonly kept = new Map<string, string>();
  readonly #site: string;
  readonly #root: string;
  readonly #random: Random;
  #count = 0;

  constructor(site: string, root: string, random: Random) {
    this.#site = site;
    this.#root = root;
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
      else if (luck < 0.97) await mkdir(join(this.#root, this.#folderName()), { recursive: true });
      else await this.#renameFolder();
    } catch (error) {
      // Another site was faster: what was to be changed stands elsewhere or is gone.
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
    if (standing !== undefined) this.kept.delete(sha1Of(standing));
  }

  async #move(): Promise<void> {
    const [from, to] = [await this.#anyFile(), await this.#newPath()];
    if (from === undefined || to === undefined) return;
    await rename(join(this.#root, from), join(this.#root, to));
  }

  async #delete(): Promise<void> {
    const path = await this.#anyFile();
    if (path === undefined) return;
    await this.#giveUp(join(this.#root, path));
    await rm(join(this.#root, path));
  }

  async #renameFolder(): Promise<void> {
    const [from, to] = [this.#folderName(), this.#folderName()];
    await rename(join(this.#root, from), join(this.#root, to));
  }

  #folderName(): string {
    return `folder_${randomBelow(this.#random, FOLDERS)}`;
  }

  async #newPath(): Promise<string> {
    const folder = this.#folderName();
    await mkdir(join(this.#root, folder), { recursive: true });
    return `${folder}/${this.#site}_${randomBelow(this.#random, 1_000_000)}.txt`;
  }

  async #anyFile(): Promise<string | undefined> {
    const folder = this.#folderName();
    const names = (await readdir(join(this.#root, folder))).filter((name) => name.endsWith('.txt'));
    const name = names[randomBelow(this.#random, Math.max(1, names.length))];
    return name === undefined ? undefined : `${folder}/${name}`;
  }
}
