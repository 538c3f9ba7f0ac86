import { join, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import { type ParticipantConfiguration, participantOf } from '../fl/config.ts';
import type { MountLayout } from '../sync/local/mirror-root.ts';

/** The Box section of a configuration. Errors: ConfigError when there is none. */
export function boxSectionOf(configuration: ParticipantConfiguration) {
  if (configuration.box === null) {
    throw new ConfigError({
      code: 'configuration-invalid',
      message: `${configuration.path} has no box_configuration, so there is nothing to mount`,
    });
  }
  return configuration.box;
}

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
