import { access } from 'node:fs/promises';
import { systemClock } from '../clock.ts';
import { MilaError } from '../errors.ts';
import { ruleNamed } from '../fl/aggregate/aggregator-options.ts';
import { unknownAggregator } from '../fl/aggregate/create-aggregator.ts';
import { findUserAggregator } from '../fl/aggregate/user-aggregator.ts';
import { isMisnamedVariable, KEY_INPUT } from '../fl/config/box-section.ts';
import type { ConfigurationDocument } from '../fl/config/document.ts';
import type { SECURE_FILES } from '../fl/config/grpc-section.ts';
import { isRecord } from '../fl/config/json-text.ts';
import { transportOf } from '../fl/config/key-values.ts';
import type { Role } from '../fl/config/sides.ts';
import { executorFaults, KMOL_EXECUTOR } from '../fl/executor/executor-names.ts';
import { CheckpointChecker } from '../fl/torch/checkpoint-checker.ts';
import { keyFileProblems } from '../fl/transport/grpc/credentials.ts';
import { valueAt } from '../issue-words.ts';
import type { Logger } from '../logger.ts';
import { silentLogger } from '../logger.ts';
import { keyAt } from './box-key.ts';
import { openExecutor } from './executor-factory.ts';
import { startPointProblem, taskProblem } from './server-start.ts';

/** What is to be said of the files that a configuration names; one line each. */
export interface FileProblems {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

type Told = Partial<FileProblems>;

const KEY = 'box_configuration.box_configuration_path';

/** A text at a place of a file, where the file has one: what else stands there is told by whoever judges the file. */
function textAt(document: ConfigurationDocument, ...place: readonly string[]): string | undefined {
  const value = valueAt(document, place);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function taskTold(document: ConfigurationDocument): Promise<Told> {
  const path = textAt(document, 'task_configuration_file');
  const problem = path === undefined ? undefined : await taskProblem(path);
  return problem === undefined ? {} : { faults: [problem.message] };
}

async function startPointTold(document: ConfigurationDocument): Promise<Told> {
  const path = textAt(document, 'start_point');
  if (path === undefined) return {};
  const missing = await startPointProblem(path);
  if (missing !== undefined) return { faults: [missing.message] };
  const checker = new CheckpointChecker();
  try {
    const problem = await checker.problemOf(path);
    return problem === null
      ? {}
      : { faults: [`start_point: ${path} is no checkpoint to begin with: ${problem.message}`] };
  } finally {
    await checker.close();
  }
}

/** The key of Box, read as a mount would read it; what comes through standard input is not here yet. */
async function boxKeyTold(document: ConfigurationDocument, environment: NodeJS.ProcessEnv): Promise<Told> {
  const place = textAt(document, 'box_configuration', 'box_configuration_path');
  if (place === undefined || place === KEY_INPUT || isMisnamedVariable(place)) return {};
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_data, text) => void warnings.push(text) };
  try {
    // The variable stays where it is: only this look takes it out of its copy.
    await (await keyAt(place, { environment: { ...environment } })).read(logger);
    return { warnings };
  } catch (error) {
    if (!(error instanceof MilaError)) throw error;
    const { message } = error;
    return { faults: [message.startsWith(KEY) ? message : `${KEY}: ${message}`] };
  }
}

async function certificatesTold(document: ConfigurationDocument): Promise<Told> {
  if (valueAt(document, ['grpc_configuration', 'use_secure_connection']) !== true) return {};
  const at = (name: (typeof SECURE_FILES)[number]) => textAt(document, 'grpc_configuration', name) ?? null;
  const files = {
    ssl_private_key: at('ssl_private_key'),
    ssl_cert: at('ssl_cert'),
    ssl_root_cert: at('ssl_root_cert'),
  };
  return keyFileProblems(files, systemClock().now());
}

/** A rule of the user's own is looked for, and not run: it is foreign code. */
async function aggregatorTold(document: ConfigurationDocument): Promise<Told> {
  const type = textAt(document, 'aggregator_type');
  if (type === undefined || ruleNamed(type) !== undefined) return {};
  const place = await findUserAggregator(type, '.');
  if (place === undefined) return { faults: [unknownAggregator(type).message] };
  return access(place.file).then(
    () => ({}),
    () => ({ faults: [`aggregator_type: the module ${place.file} does not exist`] }),
  );
}

/** What trains may be on another machine than the one where the file is written: it is no fault of the file. */
async function executorTold(document: ConfigurationDocument): Promise<Told> {
  const options = document['executor_options'] ?? {};
  if (!isRecord(options)) return {};
  const executorType = textAt(document, 'executor_type') ?? KMOL_EXECUTOR;
  // What cannot be made is told by whoever judges the options.
  if (executorFaults(executorType, options).length > 0) return {};
  const surroundings = { clock: systemClock(), logger: silentLogger };
  const executor = await openExecutor({ executorType, executorOptions: options }, surroundings);
  try {
    await executor.check?.();
    return {};
  } catch (error) {
    if (!(error instanceof MilaError)) throw error;
    return { warnings: [`executor_options: ${error.message}; the client needs it where it runs`] };
  }
}

/**
 * Look at every file that a configuration names and its program reads at the start, as that program would.
 *
 * `document` has each key in its one place. Guarantees: nothing is run, nothing is written, Box is not asked; keys that
 * are no texts are passed over.
 */
export async function lookAtFiles(
  document: ConfigurationDocument,
  role: Role,
  environment: NodeJS.ProcessEnv,
): Promise<FileProblems> {
  const transport = transportOf(textAt(document, `${role}_type`) ?? '');
  const told = [
    ...(transport === 'grpc' ? [] : [await boxKeyTold(document, environment)]),
    ...(transport === 'grpc' ? [await certificatesTold(document)] : []),
    ...(role === 'server'
      ? [await taskTold(document), await startPointTold(document), await aggregatorTold(document)]
      : [await executorTold(document)]),
  ];
  return {
    faults: told.flatMap(({ faults }) => faults ?? []),
    warnings: told.flatMap(({ warnings }) => warnings ?? []),
  };
}
