import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY_SUFFIX } from '../../src/atomic-file.ts';
import { errnoOf } from '../../src/errors.ts';

async function sha1Of(path: string): Promise<string> {
  const hash = createHash('sha1');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Hashes of files by what the disk tells of them, so that waiting does not read gigabytes again and again. */
export class HashCache {
  #former = new Map<string, string>();
  #present = new Map<string, string>();

  async sha1Of(path: string): Promise<string> {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    const facts = [path, ino, size, mtimeNs, ctimeNs].join(' ');
    const sha1 = this.#former.get(facts) ?? (await sha1Of(path));
    this.#present.set(facts, sha1);
    return sha1;
  }

  /** Forget what was not asked for since the last time. */
  turn(): void {
    this.#former = this.#present;
    this.#present = new Map();
  }
}

/**
 * SHA-1 of every file below a directory, by its path; folders end in a slash. What vanishes while it is looked at is
 * looked for again; a directory that is not there is empty. Unfinished files are left out.
 */
export async function diskTree(directory: string, cache = new HashCache()): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  const visit = async (folder: string, prefix: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.endsWith(TEMPORARY_SUFFIX)) continue;
      const path = prefix + entry.name;
      if (entry.isDirectory()) {
        tree.set(`${path}/`, '');
        await visit(join(folder, entry.name), `${path}/`);
      } else if (entry.isFile()) tree.set(path, await cache.sha1Of(join(folder, entry.name)));
    }
  };
  try {
    await visit(directory, '');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return existsSync(directory) ? diskTree(directory, cache) : new Map();
  }
  return tree;
}
