import { writeFileAtomically } from '../atomic-file.ts';
import { ConfigError, reasonOf } from '../errors.ts';
import { assertOwnOrNew, headOf } from './own-file.ts';

/** Says in the file itself who wrote it. */
const WRITER = 'mila-sync emulator';
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Whether a text is a configuration that an emulator wrote: by its mark, or by its addresses on this machine, which a
 * key file of Box has none of.
 */
export function isEmulatorKey(text: string): boolean {
  try {
    const { baseUrls, written_by: writer } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof baseUrls !== 'object' || baseUrls === null) return false;
    const { api, upload, oauth2 } = baseUrls as Readonly<Record<string, unknown>>;
    const isLocal = [api, upload, oauth2].every((url) => {
      const { protocol, hostname } = new URL(String(url));
      return protocol === 'http:' && LOOPBACK.has(hostname);
    });
    return writer === WRITER || isLocal;
  } catch {
    return false;
  }
}

const ownKey = (path: string) => ({
  named: `--write-config ${path}`,
  path,
  what: "an emulator's configuration",
  isOwn: async () => isEmulatorKey(await headOf(path)),
});

/** Told before the emulator starts. Errors: StateError 'foreign-file' for a key file that no emulator wrote. */
export async function assertEmulatorKeyFits(path: string): Promise<void> {
  await assertOwnOrNew(ownKey(path));
}

/** Write an emulator's configuration. Errors: as `assertEmulatorKeyFits`; ConfigError 'write-config'. */
export async function writeEmulatorKey(path: string, configuration: object): Promise<void> {
  await assertEmulatorKeyFits(path);
  try {
    const text = JSON.stringify({ ...configuration, written_by: WRITER }, null, 2);
    // The key inside is worth nothing but for this emulator; still it is a key.
    await writeFileAtomically(path, `${text}\n`, { mode: 0o600 });
  } catch (cause) {
    throw new ConfigError({
      code: 'write-config',
      message: `--write-config ${path} cannot be written (${reasonOf(cause)})`,
      hint: 'Name a file in an existing folder.',
      cause,
    });
  }
}
