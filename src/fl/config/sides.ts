import type { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { isSlipOf } from '../../nearest-name.ts';
import { CLIENT_SIDE } from './client-configuration.ts';
import type { ConfigurationDocument } from './document.ts';
import { type Judgement, judgeDocument, type Side } from './judge.ts';
import { SERVER_SIDE } from './server-configuration.ts';
import { assertSide, kindOf } from './wrong-side.ts';

/** Whose file it is. */
export type Role = 'server' | 'client';

/** What each side's file may say, options of what it runs included. */
export const SIDES: Readonly<Record<Role, Pick<Side<z.ZodRawShape>, 'schema' | 'aliases'>>> = {
  server: { schema: SERVER_SIDE.schema, aliases: SERVER_SIDE.aliases },
  client: { schema: CLIENT_SIDE.schema, aliases: CLIENT_SIDE.aliases },
};

/** How many keys of a file are one side's and not the other's, slips of the pen included. */
function ownKeys(document: ConfigurationDocument, role: Role): number {
  const other = Object.keys(SIDES[role === 'server' ? 'client' : 'server'].schema.shape);
  const own = Object.keys(SIDES[role].schema.shape).filter((name) => !other.includes(name));
  return Object.keys(document).filter((name) => own.some((each) => isSlipOf(name, each))).length;
}

/**
 * Whose file a document is: by the keys that only one side has.
 *
 * Errors: ConfigError 'wrong-configuration' for a key file of Box, and for a file that has no key of either side.
 */
export function roleOf(document: ConfigurationDocument, path: string): Role {
  const kind = kindOf(document);
  if (kind === 'box-key') assertSide(document, path, 'server');
  if (kind === 'server' || kind === 'client') return kind;
  const [server, client] = [ownKeys(document, 'server'), ownKeys(document, 'client')];
  if (server + client > 0) return server >= client ? 'server' : 'client';
  throw new ConfigError({
    code: 'wrong-configuration',
    message: `${path} is no configuration of a server or a client: it has neither server_type nor client_type`,
    hint: 'Type: mila config schema server   (or client) to see what such a file holds.',
    data: { path },
  });
}

/** Judge a file of either side by all that its side may say. Errors: as `roleOf`. */
export function judgeConfiguration(
  document: ConfigurationDocument,
  path: string,
): { readonly role: Role; readonly judgement: Judgement<Readonly<Record<string, unknown>>> } {
  const role = roleOf(document, path);
  return {
    role,
    judgement:
      role === 'server' ? judgeDocument(document, SERVER_SIDE) : judgeDocument(document, CLIENT_SIDE),
  };
}
