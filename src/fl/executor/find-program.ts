import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';

interface Surroundings {
  readonly workingDirectory: string | null;
  /** Folders as the variable PATH lists them. */
  readonly searchPath: string;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Where a program is that would be started by this name.
 *
 * Errors: ConfigError 'command-not-found'; ConfigError 'executor-options' for a working directory that is none.
 */
export async function findProgram(
  name: string,
  { workingDirectory, searchPath }: Surroundings,
): Promise<string> {
  const facts = workingDirectory === null ? undefined : await stat(workingDirectory).catch(() => null);
  if (facts !== undefined && facts?.isDirectory() !== true)
    throw new ConfigError({
      code: 'executor-options',
      message: `executor_options.working_directory ${workingDirectory} is no folder`,
    });
  const isPath = name.includes('/');
  const candidates = isPath
    ? [resolve(workingDirectory ?? '.', name)]
    : searchPath.split(delimiter).map((folder) => join(folder, name));
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  throw new ConfigError({
    code: 'command-not-found',
    message: isPath ? `${name} is no program that can be run` : `${name} is not on the PATH`,
    hint: 'Name the program in "executor_options": {"command": ["/path/to/program", ...]}, or put it on the PATH.',
    data: { program: name },
  });
}
