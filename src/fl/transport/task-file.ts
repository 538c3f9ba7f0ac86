import { readFile } from 'node:fs/promises';
import { ConfigError } from '../../errors.ts';

/** The longest task that clients take. Units: bytes. */
const TASK_MAX_BYTES = 16_777_216;

/**
 * Read the file of the task as it goes to clients.
 *
 * Errors: ConfigError 'task-missing' | 'task-malformed', naming the key and the file.
 */
export async function readTask(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((cause) => {
    throw new ConfigError({
      code: 'task-missing',
      message: `task_configuration_file: ${path} cannot be read`,
      cause,
    });
  });
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (bytes.length > TASK_MAX_BYTES) throw new RangeError(`it has more than ${TASK_MAX_BYTES} bytes`);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new TypeError('it holds no JSON object');
  } catch (cause) {
    throw new ConfigError({
      code: 'task-malformed',
      message: `task_configuration_file: ${path} is no JSON object, which is what clients read`,
      cause,
    });
  }
  return bytes;
}
