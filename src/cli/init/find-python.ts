import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first import of a large library reads it from the disk. */
const IMPORT_TIMEOUT_MS = 120_000;
/** As everybody's PATH has it. */
const USUAL = 'python3';

/** An interpreter of Python. */
export interface FoundPython {
  /** As a configuration names it. */
  readonly command: string;
  /** Whether it can import the module that was asked for. */
  readonly hasModule: boolean;
}

/** Every python3 on the PATH, where an active virtual environment has put its own first. */
function candidates(environment: NodeJS.ProcessEnv): readonly string[] {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set(folders)].map((folder) => join(folder, USUAL)).filter((path) => existsSync(path));
}

function canImport(python: string, module: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { env: environment, timeout: IMPORT_TIMEOUT_MS };
    execFile(python, ['-c', `import ${module}`], options, (error) => resolve(error === null));
  });
}

/**
 * The interpreter that can import a module: `python3` itself where that one can, else another one's full path.
 *
 * Guarantees: `python3` when none can, as the one that the module should be installed for.
 */
export async function findPython(module: string, environment: NodeJS.ProcessEnv): Promise<FoundPython> {
  for (const [index, path] of candidates(environment).entries())
    if (await canImport(path, module, environment))
      return { command: index === 0 ? USUAL : path, hasModule: true };
  return { command: USUAL, hasModule: false };
}
