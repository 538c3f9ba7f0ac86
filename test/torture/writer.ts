import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../src/atomic-file.ts';
import { errnoOf } from '../../src/errors.ts';
import { type Random, randomBelow } from '../../src/random.ts';

const FOLDERS = 12;
const FILE_BYTES_MAX = 4096;

/**
 * A person at one site: makes files and folders, writes over what stands there, renames, moves and deletes.
 *
 * Guarantees: no two contents are alike; `kept` holds the hash of every finished content that this site did not itself
 * overwrite or delete before it can have left.
 */
export class Writer {
  readonly kept = new Set<string>();
  readonly #site: string;
  readonly #root: string;
  readonly #random: Random;
  /** What this site knows to stand at each path, by its own doing. */
  readonly #own = new Map<string, string>();
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
    if (this.#random.next() < 0.8) await writeFileAtomically(full, text);
    else await writeFile(full, text);
    this.#ownIs(path, createHash('sha1').update(text).digest('hex'));
  }

  /** The former content of this site's own is no longer looked for: it may not have left yet. */
  #ownIs(path: string, sha1: string | undefined): void {
    const former = this.#own.get(path);
    if (former !== undefined) this.kept.delete(former);
    if (sha1 === undefined) this.#own.delete(path);
    else {
      this.#own.set(path, sha1);
      this.kept.add(sha1);
    }
  }

  async #move(): Promise<void> {
    const [from, to] = [await this.#anyFile(), await this.#newPath()];
    if (from === undefined || to === undefined) return;
    await rename(join(this.#root, from), join(this.#root, to));
    const moved = this.#own.get(from);
    this.#own.delete(from);
    if (moved !== undefined) this.#own.set(to, moved);
  }

  async #delete(): Promise<void> {
    const path = await this.#anyFile();
    if (path === undefined) return;
    await rm(join(this.#root, path));
    this.#ownIs(path, undefined);
  }

  async #renameFolder(): Promise<void> {
    const [from, to] = [this.#folderName(), this.#folderName()];
    await rename(join(this.#root, from), join(this.#root, to));
    for (const [path, sha1] of [...this.#own])
      if (path.startsWith(`${from}/`)) {
        this.#own.delete(path);
        this.#own.set(`${to}${path.slice(from.length)}`, sha1);
      }
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
