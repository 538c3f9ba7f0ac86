import type { status } from '@grpc/grpc-js';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { ConfigError } from '../errors.ts';
import type { ClientOutcome } from '../fl/client.ts';
import { takePart } from '../fl/client.ts';
import type { ClientConfiguration } from '../fl/config/client-configuration.ts';
import type { GrpcSection } from '../fl/config/grpc-section.ts';
import { defaultGrpcSection } from '../fl/config/grpc-section.ts';
import type { ServerConfiguration } from '../fl/config/server-configuration.ts';
import type { ParticipantConfiguration } from '../fl/config.ts';
import { runGrpcFederationServer } from '../fl/grpc-server.ts';
import type { ParticipationOptions } from '../fl/participation.ts';
import type { FederationServerOptions, ServerOutcome } from '../fl/server.ts';
import { channelSettings } from '../fl/transport/grpc/channel-options.ts';
import { clientCredentials, serverCredentials } from '../fl/transport/grpc/credentials.ts';
import { connectionLimits, paceOf } from '../fl/transport/grpc/federation-limits.ts';
import { openGrpcClient } from '../fl/transport/grpc/grpc-client.ts';
import type { Output } from './output.ts';
import type { WorkdirFlags } from './workdir-factory.ts';

function sectionOf(configuration: ParticipantConfiguration, flags: WorkdirFlags): GrpcSection {
  if (flags.dir !== undefined || flags.mount === true)
    throw new ConfigError({
      code: 'no-shared-folder',
      message: `${configuration.path} asks for gRPC, which has no shared folder`,
      hint: 'Leave out --dir and --mount, or use BoxServer and BoxClient.',
    });
  // What the library would print by itself reaches the person as an error of ours.
  setLogVerbosity(logVerbosity.NONE);
  return configuration.grpc ?? defaultGrpcSection();
}

interface Surroundings<Options> {
  readonly options: Options;
  readonly output: Output;
}

/** Run a server for clients that connect to it. Errors: as `runGrpcFederationServer` and its certificates. */
export async function serveOverGrpc(
  configuration: ServerConfiguration,
  flags: WorkdirFlags,
  surroundings: Surroundings<
    Omit<FederationServerOptions, 'workdir' | 'layout'> & { readonly isStartedToEnd: boolean }
  > & {
    /** Called at the end of every call. */
    readonly onCall: (method: string, code: status) => void;
  },
): Promise<ServerOutcome> {
  const { options, output, onCall } = surroundings;
  const section = sectionOf(configuration, flags);
  const { credentials, warnings } = await serverCredentials(section, options.clock.now());
  for (const warning of warnings) output.note(`warning: ${warning}`);
  const { settings, blacklist, whitelist, useWhitelist } = configuration;
  return runGrpcFederationServer({
    ...options,
    target: section.target,
    credentials,
    channel: channelSettings('server', section),
    lists: { blacklist, whitelist, useWhitelist },
    // As kMoL: fewer than the round needs at once would make its clients wait for each other.
    workers: Math.max(configuration.workers, settings.minimumClients),
    pace: paceOf(section),
    connections: connectionLimits(section, settings.maximumClients),
    names: section.names,
    onListening: (port) => {
      const event = {
        event: 'listening',
        target: section.target,
        port,
        secure: section.use_secure_connection,
      };
      if (output.json) output.document(event);
      // A port of 0 is one that the system chose.
      const isNamed = section.target.endsWith(`:${port}`);
      output.note(`listening at ${section.target}${isNamed ? '' : ` (port ${port})`}`);
    },
    onCall,
  });
}

/** Take part as a client of a server elsewhere. Errors: as `takePart`; AuthError where certificates do not fit. */
export async function takePartOverGrpc(
  configuration: ClientConfiguration,
  flags: WorkdirFlags,
  { options, output }: Surroundings<Omit<ParticipationOptions, 'transport'>>,
): Promise<ClientOutcome> {
  const section = sectionOf(configuration, flags);
  const security = await clientCredentials(section, options.clock.now(), process.env);
  for (const warning of security.warnings) output.note(`warning: ${warning}`);
  const transport = openGrpcClient({
    ...options,
    target: section.target,
    ...security,
    channel: channelSettings('client', section),
    retryTimeoutMs: configuration.retryTimeoutMs,
    transferTimeoutMs: section.transfer_timeout,
  });
  try {
    return await takePart({ ...options, transport });
  } finally {
    transport.close();
  }
}
