import type { ClientConfiguration } from './config/client-configuration.ts';
import { parseClientConfiguration } from './config/client-configuration.ts';
import { readConfigurationDocument } from './config/document.ts';
import type { ParsedConfiguration } from './config/parse.ts';
import type { ServerConfiguration } from './config/server-configuration.ts';
import { parseServerConfiguration } from './config/server-configuration.ts';

/** Either side's configuration. */
export type ParticipantConfiguration = ServerConfiguration | ClientConfiguration;

/**
 * Read a configuration file of either side, told apart by its own keys: only a server has a `server_type` or a task.
 *
 * Errors: ConfigError as the two sides' own readers.
 */
export async function loadParticipantConfiguration(
  path: string,
): Promise<ParsedConfiguration<ParticipantConfiguration>> {
  const document = await readConfigurationDocument(path);
  const isServer =
    'server_type' in document || ('task_configuration_file' in document && !('name' in document));
  return isServer ? parseServerConfiguration(document, path) : parseClientConfiguration(document, path);
}

/** The name under which a participant's own folders go: `server`, or the client's name. */
export function participantOf(configuration: ParticipantConfiguration): string {
  return configuration.role === 'server' ? 'server' : configuration.name;
}
