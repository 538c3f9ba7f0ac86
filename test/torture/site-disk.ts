import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A disk of a site's own below its directory, that can be taken away and comes back with its content.
 *
 * What is mounted is a second view of a folder that stays where it is.
 */
export class SiteDisk {
  readonly path: string;
  /** Where its content is, mounted or not. */
  readonly source: string;
  #isMounted = false;

  /** `path` is where it is mounted, `source` the folder that holds its content. */
  constructor(path: string, source: string) {
    this.path = path;
    this.source = source;
  }

  async mount(): Promise<void> {
    await mkdir(this.source, { recursive: true });
    await mkdir(this.path, { recursive: true });
    await run('mount', ['--bind', this.source, this.path]);
    this.#isMounted = true;
  }

  /** Also while programs use it: they keep what they have opened. Idempotent. */
  async unmount(): Promise<void> {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    await run('umount', ['--lazy', this.path]);
  }
}

/** Why this process cannot mount and unmount; undefined when it can. */
export async function mountingRefused(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'only Linux can be asked to';
  if (process.getuid?.() !== 0) return 'only root may';
  const folder = await mkdtemp(join(tmpdir(), 'mila-mounting-'));
  try {
    const disk = new SiteDisk(join(folder, 'at'), join(folder, 'of'));
    await disk.mount();
    await disk.unmount();
    return undefined;
  } catch (error) {
    return String(error).split('\n')[0];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
