import { ConfigError } from '../../errors.ts';
import type { ConfigurationDocument } from './document.ts';

/** Which file a document is, by the keys that only such a file has; undefined when it tells nothing. */
export function kindOf(document: ConfigurationDocument): 'server' | 'client' | 'box-key' | undefined {
  const has = (key: string) => Object.hasOwn(document, key);
  if (has('boxAppSettings')) return 'box-key';
  if (has('server_type')) return has('client_type') ? undefined : 'server';
  if (has('client_type')) return 'client';
  if (has('task_configuration_file') === has('name')) return undefined;
  return has('name') ? 'client' : 'server';
}

/**
 * Refuse the file of the other program, which would only lack one key after the other.
 *
 * Errors: ConfigError 'wrong-configuration', naming the program that reads it.
 */
export function assertSide(document: ConfigurationDocument, path: string, wanted: 'server' | 'client'): void {
  const kind = kindOf(document);
  if (kind === undefined || kind === wanted) return;
  const what = kind === 'box-key' ? 'a key file of Box' : `a ${kind}'s configuration`;
  throw new ConfigError({
    code: 'wrong-configuration',
    message: `${path} is ${what}, and no ${wanted}'s configuration`,
    hint:
      kind === 'box-key'
        ? `It is named by box_configuration.box_configuration_path of a ${wanted}'s configuration.`
        : `Type: mila ${kind} ${path}`,
    data: { path },
  });
}
