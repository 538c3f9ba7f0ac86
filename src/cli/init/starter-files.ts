import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf, StateError } from '../../errors.ts';
import type { FederationChoice } from './federation-choice.ts';
import { starterConfigurations } from './starter-configurations.ts';
import { starterReadme } from './starter-readme.ts';

/** The training program of a first run, which is also an example to read. */
const TRAINING_PROGRAM = fileURLToPath(new URL('../../../examples/first-run/train.py', import.meta.url));

/** A file to be written: its name, and what it holds. */
type StarterFile = readonly [name: string, content: string];

async function starterFiles(choice: FederationChoice): Promise<readonly StarterFile[]> {
  const configurations = Object.entries(starterConfigurations(choice)).map(
    ([name, value]) => [name, `${JSON.stringify(value, null, 2)}\n`] as const,
  );
  const program: readonly StarterFile[] =
    choice.trainer === 'pytorch' ? [['train.py', await readFile(TRAINING_PROGRAM, 'utf8')]] : [];
  return [...configurations, ...program, ['README.md', starterReadme(choice)]];
}

/**
 * Write a new federation's files into a directory, which is made if it is not there.
 *
 * Returns their names, in the order in which they are read.
 *
 * Guarantees: no file that is there is touched; none is written unless all can be new.
 * Errors: StateError 'files-exist' naming what is there already, 'directory-unusable'.
 */
export async function writeStarterFiles(
  directory: string,
  choice: FederationChoice,
): Promise<readonly string[]> {
  const files = await starterFiles(choice);
  const present = files.map(([name]) => name).filter((name) => existsSync(join(directory, name)));
  if (present.length > 0)
    throw new StateError({
      code: 'files-exist',
      message: `${directory} holds ${present.join(', ')} already; nothing was written`,
      hint: 'Name another directory, or move these files away.',
      data: { path: directory },
    });
  try {
    await mkdir(directory, { recursive: true });
    for (const [name, content] of files) await writeFile(join(directory, name), content, { flag: 'wx' });
  } catch (cause) {
    throw new StateError({
      code: 'directory-unusable',
      message: `${directory} cannot be written: ${reasonOf(cause)}`,
      hint: 'Name a directory in which you may write.',
      cause,
    });
  }
  return files.map(([name]) => name);
}
