import { join, relative, resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { CONTENT_MAX_BYTES, Recorder, TOTAL_MAX_BYTES } from '../sync/recording/recorder.ts';
import { readRecording } from '../sync/recording/recording-reader.ts';
import { assertOwnOrNew } from './own-file.ts';

interface RecordingOptions {
  /** Undefined: nothing is recorded. */
  readonly path: string | undefined;
  readonly contentMaxBytes: number | undefined;
  readonly layout: MountLayout;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Whether a file begins as a recording does. */
async function isRecording(path: string): Promise<boolean> {
  for await (const { kind } of readRecording(path)) return kind === 'begin';
  return false;
}

/** Open what `mount --record` asks for. Errors: ConfigError 'recording-file', also for a file inside the mirror; StateError 'foreign-file'. */
export async function openRecorder(options: RecordingOptions): Promise<Recorder | undefined> {
  const { path, contentMaxBytes = CONTENT_MAX_BYTES, layout, clock, logger } = options;
  if (path === undefined) return undefined;
  const full = resolve(path);
  if (!relative(join(layout.directory, ...layout.rootPath), full).startsWith('..'))
    throw new ConfigError({
      code: 'recording-file',
      message: `--record ${path} lies inside the mirrored folder, and would be sent to everybody`,
      hint: 'Name a file outside the mount directory.',
    });
  await assertOwnOrNew({
    named: `--record ${path}`,
    path: full,
    what: 'a recording, to go on with',
    isOwn: () => isRecording(full),
  });
  return Recorder.open({
    path: full,
    root: layout.rootPath,
    clock,
    logger,
    contentMaxBytes,
    totalMaxBytes: TOTAL_MAX_BYTES,
  });
}
