import { join, resolve } from 'node:path';
import { type ParticipantConfiguration, participantOf } from '../fl/config.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';
import { boxSectionOf } from './box-connection.ts';

/** Where a configuration's folder is mounted unless `--dir` says otherwise. */
export function mountDirectoryOf(configuration: ParticipantConfiguration, dir?: string): string {
  return resolve(
    dir ?? boxSectionOf(configuration).mount_path ?? join('data', 'box', participantOf(configuration)),
  );
}

/** The mirrored folder of a configuration: the path below the mount directory is the path in Box. */
export function mountLayoutOf(configuration: ParticipantConfiguration, dir?: string): MountLayout {
  const { shared_dir_name, save_path } = boxSectionOf(configuration);
  return {
    directory: mountDirectoryOf(configuration, dir),
    rootPath: [shared_dir_name, ...save_path.split('/')],
  };
}
