import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../atomic-file.ts';
import type { MountLayout } from '../local/mirror-root.ts';
import { lockOwner } from './lock-owner.ts';
import { lockPath } from './mount.ts';

const entrySchema = z.object({ directory: z.string(), rootPath: z.array(z.string()) });

/** More mounts of one user than this are not looked at. */
const MOUNTS_MAX = 1000;

function fileOf(folder: string, layout: MountLayout): string {
  return join(folder, `${createHash('sha256').update(layout.directory).digest('hex').slice(0, 24)}.json`);
}

/** Remember a mount, so that a command without a directory finds it. */
export async function registerMount(folder: string, layout: MountLayout): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomically(fileOf(folder, layout), JSON.stringify(layout), { mode: 0o600 });
}

/** Forget a mount. */
export async function unregisterMount(folder: string, layout: MountLayout): Promise<void> {
  await rm(fileOf(folder, layout), { force: true });
}

/**
 * Every running mount of this user.
 *
 * Guarantees: only mounts whose lock is held by a living process; what a killed mount left behind is cleared away,
 * where that is allowed.
 */
export async function runningMounts(folder: string | undefined): Promise<readonly MountLayout[]> {
  if (folder === undefined) return [];
  const names = await readdir(folder).catch(() => []);
  const running: MountLayout[] = [];
  for (const name of names.slice(0, MOUNTS_MAX).sort()) {
    const entry = entrySchema.safeParse(await readJson(join(folder, name)));
    if (entry.success && (await lockOwner(lockPath(entry.data))) !== undefined) running.push(entry.data);
    else await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
  return running;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
