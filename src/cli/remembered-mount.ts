import { reasonOf } from '../errors.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { registerMount, unregisterMount } from '../sync/mount/registry.ts';

/** A mount that commands without a directory find; `forget` is called once, when it ended. */
export interface RememberedMount {
  forget(): Promise<void>;
}

interface RememberOptions {
  /** Undefined for a user without a home directory. */
  readonly folder: string | undefined;
  readonly tell: (key: string, text: string | undefined) => void;
}

/** Remember a running mount. Guarantees: never fails: a mount that cannot be remembered runs as well, and says so. */
export function rememberMount(layout: MountLayout, options: RememberOptions): RememberedMount {
  const { folder, tell } = options;
  const tellWhy = (reason: string) =>
    tell(
      'registry',
      `mila-sync status and unmount find this mount only by its directory ${layout.directory}: ${reason}`,
    );
  if (folder === undefined) {
    tellWhy('this user has no home directory to remember it in');
    return { forget: async () => {} };
  }
  const stored = registerMount(folder, layout).then(
    () => true,
    (error: unknown) => {
      tellWhy(`it cannot be remembered in ${folder} (${reasonOf(error)})`);
      return false;
    },
  );
  const forget = async () => {
    // What cannot be removed is cleared away by whoever looks next.
    if (await stored) await unregisterMount(folder, layout).catch(() => undefined);
  };
  return { forget };
}
