import { stat } from 'node:fs/promises';
import { systemClock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import { loadParticipantConfiguration, type ParticipantConfiguration } from '../fl/config.ts';
import { nameProblem } from '../fl/round/run-folder.ts';
import { silentLogger } from '../logger.ts';
import { systemRandom } from '../random.ts';
import type { Look, Wanted } from '../sync/admin/look.ts';
import type { TextStyle } from './admin-text.ts';
import { enterpriseConnection } from './box-connection.ts';
import { boxSectionOf } from './mount-layout.ts';
import type { Output } from './output.ts';
import { pinoLogger } from './pino-logger.ts';

export interface AdminFlags {
  readonly participant?: readonly string[];
  readonly json?: boolean;
  readonly color?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Wider lines are hard to read. Units: characters. */
const WIDTH_MAX = 100;
const WIDTH_PIPE = 80;

/** How reports look on this process's standard output. */
export function reportStyle(flags: AdminFlags): TextStyle {
  const { stdout, env } = process;
  return {
    colour: stdout.isTTY === true && flags.color !== false && !env['NO_COLOR'],
    width: Math.min(WIDTH_MAX, Math.max(40, stdout.columns ?? WIDTH_PIPE)),
  };
}

/** The largest file that is known before a run: the model that it starts from. Units: bytes. */
async function largestFileOf(configuration: ParticipantConfiguration): Promise<number> {
  if (configuration.role !== 'server' || configuration.startPoint === null) return 0;
  // Whether the model is there is the server's question, not Box's.
  return stat(configuration.startPoint).then(
    ({ size }) => size,
    () => 0,
  );
}

function participantsOf(
  configuration: ParticipantConfiguration,
  given: readonly string[],
): readonly string[] {
  for (const name of given) {
    const problem = nameProblem(name);
    if (problem === undefined) continue;
    throw new ConfigError({ code: 'usage', message: `--participant ${JSON.stringify(name)}: ${problem}` });
  }
  return configuration.role === 'client' ? [configuration.name] : [...new Set(given)];
}

/** What the administrator's commands are about, read from a configuration file. Errors: ConfigError. */
export async function openAdminSession(
  path: string,
  flags: AdminFlags & { readonly write: boolean },
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
): Promise<Look> {
  const { configuration, warnings } = await loadParticipantConfiguration(path);
  for (const warning of warnings) output.note(`warning: ${warning}`);
  const box = boxSectionOf(configuration);
  const isOwnApp = configuration.role === 'client' && box.account === 'service_account';
  const wanted: Wanted = {
    side: isOwnApp ? 'own-app-client' : configuration.role,
    participants: participantsOf(configuration, flags.participant ?? []),
    groupName: box.group_name,
    sharedFolder: box.shared_dir_name,
    savePath: box.save_path.split('/'),
    largestFileBytes: await largestFileOf(configuration),
    mayWrite: flags.write,
  };
  const clock = systemClock();
  const random = systemRandom();
  const logger = flags.verbose === true ? pinoLogger('debug') : silentLogger;
  const surroundings = { clock, random, logger, environment: process.env, signal };
  return { wanted, facts: {}, clock, random, open: await enterpriseConnection(configuration, surroundings) };
}
