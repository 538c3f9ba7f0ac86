import { type Clock, delay } from '../../clock.ts';
import { AuthError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import type { Logger } from '../../logger.ts';
import { didYouMean } from '../../nearest-name.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import type { RemoteFolder } from '../tree/entry.ts';

interface RemoteRootOptions {
  readonly store: RemoteStore;
  /** The shared folder's name, then the parts of `save_path`. */
  readonly path: readonly string[];
  /** True on the server's side: a missing `save_path` is created; otherwise it is awaited. */
  readonly create: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told once, when the folder is not there and has to be awaited. */
  readonly onAwaiting?: () => void;
}

/** How often a client looks for a folder that its server has not made yet. */
const AWAIT_MS = 5000;

/**
 * Find the folder that is mirrored.
 *
 * Guarantees: only what lies below the shared folder is ever created.
 * Errors: AuthError 'folder-missing' when the shared folder itself is not there or not shared with this account;
 * 'folder-ambiguous' when there are several of its name.
 */
export async function findRemoteRoot(options: RemoteRootOptions): Promise<RemoteFolder | undefined> {
  const { store, path, create, signal, logger, clock } = options;
  const shared = await store.findFolder(path.slice(0, 1), signal);
  if (shared === undefined) throw await folderMissing(options);
  let told = false;
  while (!signal.aborted) {
    const root = create ? await ensureBelow(store, shared, path) : await store.findFolder(path, signal);
    if (root !== undefined) return root;
    if (!told) {
      logger.info({ path: path.join('/') }, 'waiting for the server to create the folder');
      options.onAwaiting?.();
    }
    told = true;
    await delay(clock, AWAIT_MS, signal);
  }
  return undefined;
}

async function ensureBelow(
  store: RemoteStore,
  shared: RemoteFolder,
  path: readonly string[],
): Promise<RemoteFolder> {
  let folder = shared;
  for (let depth = 2; depth <= path.length; depth += 1) {
    const found = await store.findFolder(path.slice(0, depth));
    const name = path[depth - 1];
    invariant(name !== undefined, 'a path part exists');
    folder = found ?? (await store.createFolder(folder.id, name));
  }
  return folder;
}

/** The folders that the account sees at its top; for advice only, so that none are no reason to fail. */
async function folderNames(store: RemoteStore): Promise<readonly string[]> {
  try {
    const top = await store.findFolder([]);
    const entries = top === undefined ? [] : ((await store.list(top.id)) ?? []);
    return entries.flatMap(({ kind, name }) => (kind === 'folder' ? name : []));
  } catch {
    return [];
  }
}

/** What to tell when the shared folder itself is not there, or not shared with this account. */
export async function folderMissing({
  store,
  path,
}: Pick<RemoteRootOptions, 'store' | 'path'>): Promise<AuthError> {
  const account = await store.account();
  const near = didYouMean(path[0] ?? '', await folderNames(store));
  return new AuthError({
    code: 'folder-missing',
    message: `no folder ${path[0]} is shared with ${account.name} in Box${near}`,
    hint:
      'In Box, share the folder with the group (as Editor), and make this account a member of the group. ' +
      'mila-sync doctor CONFIG says which step is missing.',
    data: { folder: path[0], account: account.id },
  });
}
