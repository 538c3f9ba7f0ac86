import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, errnoOf, reasonOf } from '../../errors.ts';
import { parseClientConfiguration } from '../../fl/config/client-configuration.ts';
import { type ConfigurationDocument, readConfigurationDocument } from '../../fl/config/document.ts';
import type { GrpcSection } from '../../fl/config/grpc-section.ts';
import { parseServerConfiguration, type ServerConfiguration } from '../../fl/config/server-configuration.ts';
import type { Site } from '../site-programs.ts';

/** The key file that makes Box an emulator on this machine: whoever names another one means another Box. */
export const EMULATOR_KEY_FILE = 'emulator-key.json';
/** Where the folder that all sites see stands, when neither Box nor gRPC is between them. */
export const SHARED_DIRECTORY = 'shared';
const SERVER_FILE = 'server.json';

/** A whole federation whose configurations lie in one directory. */
export interface LocalFederation {
  /** Every program's working directory. */
  readonly directory: string;
  readonly rounds: number;
  readonly transport: 'box' | 'grpc' | 'dir';
  /** Whether Box is an emulator that has to be started. */
  readonly emulator: boolean;
  readonly server: Site;
  readonly clients: readonly Site[];
  /** Null where Box or a folder carries the files. */
  readonly grpc: GrpcSection | null;
  /** What is odd about the files, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Read the configurations of a directory: `server.json`, and every other file that is a client's.
 *
 * Errors: ConfigError 'no-federation' for a directory without a server or a client; what the files' own readers throw.
 */
export async function readLocalFederation(directory: string): Promise<LocalFederation> {
  const names = await readdir(directory).catch((cause: unknown) => {
    const isMissing = errnoOf(cause) === 'ENOENT';
    throw noFederation(directory, isMissing ? 'it does not exist' : reasonOf(cause));
  });
  if (!names.includes(SERVER_FILE)) throw noFederation(directory, `it holds no ${SERVER_FILE}`);
  const path = join(directory, SERVER_FILE);
  const server = parseServerConfiguration(await readConfigurationDocument(path), path);
  const clients = (await clientDocuments(directory, names)).map(([name, document]) => ({
    name,
    ...parseClientConfiguration(document, join(directory, name)),
  }));
  if (clients.length === 0) throw noFederation(directory, 'it holds no configuration of a client');
  return {
    directory,
    rounds: server.configuration.settings.roundsCount,
    ...carrierOf(server.configuration),
    server: { role: 'server', name: 'server', directory, configuration: SERVER_FILE },
    clients: clients.map(({ name, configuration }) => ({
      role: 'client',
      name: configuration.name,
      directory,
      configuration: name,
    })),
    warnings: [...server.warnings, ...clients.flatMap(({ warnings }) => warnings)],
  };
}

function carrierOf({
  transport,
  box,
  grpc,
}: ServerConfiguration): Pick<LocalFederation, 'transport' | 'emulator' | 'grpc'> {
  if (transport === 'grpc') return { transport, emulator: false, grpc };
  const key = box?.box_configuration_path;
  return { transport: key === undefined ? 'dir' : 'box', emulator: key === EMULATOR_KEY_FILE, grpc: null };
}

/** Every file of a client, in the order of their names; what is no configuration at all is left alone. */
async function clientDocuments(
  directory: string,
  names: readonly string[],
): Promise<readonly (readonly [name: string, document: ConfigurationDocument])[]> {
  const found: (readonly [string, ConfigurationDocument])[] = [];
  for (const name of names.filter((each) => /\.(json|ya?ml)$/i.test(each) && each !== SERVER_FILE).sort()) {
    const document = await readConfigurationDocument(join(directory, name)).catch((error: unknown) => {
      if (error instanceof ConfigError) return {};
      throw error;
    });
    if ('client_type' in document) found.push([name, document]);
  }
  return found;
}

function noFederation(directory: string, why: string): ConfigError {
  return new ConfigError({
    code: 'no-federation',
    message: `${directory} is not the directory of a federation: ${why}`,
    hint: `Make one with: mila init ${directory} --emulator`,
    data: { path: directory },
  });
}
