import { readFile } from 'node:fs/promises';

/** One call of a mount that Box counts, or a download from the address that such a call named. */
export interface Call {
  /** Whose mount made it. */
  readonly user: string;
  /** Units: milliseconds since 1970, by this machine's clock. */
  readonly atMs: number;
  /** What was asked for, without ids: `GET folders/items`. */
  readonly endpoint: string;
  /** Where in the shared folder, for reading; empty where the address does not say. */
  readonly place: string;
  /** Length of the request's and of the answer's body, where they were told before. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** False for what Box does not count: the long poll, and content from a redirect's address. */
  readonly counts: boolean;
}

interface Line {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly up: number;
  readonly down: number;
}

interface Reading {
  readonly user: string;
  /** The paths in Box by the ids of their items. */
  readonly paths: ReadonlyMap<string, string>;
}

/** `/api/2.0/files/12/content` is `files/content` of item 12. */
function endpointOf(path: string): { readonly endpoint: string; readonly id: string } {
  const parts = (path.split('?', 1)[0] ?? '').replace(/^\/(api\/)?(2\.0\/)?/, '').split('/');
  const [kind = '', id = ''] = parts;
  const named = /^\d+$/.test(id) ? [kind, ...parts.slice(2)] : parts;
  // An address that holds a secret, and no API.
  if (kind === 'd') return { endpoint: 'content', id: '' };
  return { endpoint: named.join('/'), id: /^\d+$/.test(id) ? id : '' };
}

function toCall({ atMs, method, path, status, up, down }: Line, { user, paths }: Reading): Call {
  const { endpoint, id } = endpointOf(path);
  const isVersion = method === 'POST' && endpoint === 'files/content' && id !== '';
  const refused = status >= 400 ? ` (${status})` : '';
  return {
    user,
    atMs,
    endpoint: `${method} ${endpoint}${isVersion ? ' (version)' : ''}${refused}`,
    place: (paths.get(id) ?? '').split('/').slice(-2).join('/'),
    bytesUp: up,
    bytesDown: down,
    counts: endpoint !== 'content' && !endpoint.startsWith('subscribe'),
  };
}

/** What a mount's programs wrote down; nothing where it made no call. */
export async function readCalls(path: string, reading: Reading): Promise<readonly Call[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => toCall(JSON.parse(line) as Line, reading));
}

/** Those that Box counts. */
export function counted(calls: readonly Call[]): readonly Call[] {
  return calls.filter((call) => call.counts);
}

/** How many there are of each kind, the commonest first. */
export function tally(calls: readonly Call[], kindOf: (call: Call) => string): readonly [string, number][] {
  const counts = new Map<string, number>();
  for (const call of calls) counts.set(kindOf(call), (counts.get(kindOf(call)) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

/** Sites are alike: one column for all of them, as the mean. */
const columnOf = ({ user }: Call) => (user === 'server' ? 'server' : 'a client');

/** Lines of a table: calls by endpoint, for the server and for a client in the mean, each divided by `per`. */
export function breakdown(calls: readonly Call[], clients: number, per: number): readonly string[] {
  const of = (endpoint: string, column: string, among: number) =>
    calls.filter((call) => call.endpoint === endpoint && columnOf(call) === column).length / among / per;
  const cell = (value: number) => value.toFixed(2).padStart(9);
  return [
    `${'server'.padStart(9)}${'a client'.padStart(9)}${'all'.padStart(9)}`,
    ...tally(calls, (call) => call.endpoint).map(
      ([endpoint, all]) =>
        `${cell(of(endpoint, 'server', 1))}${cell(of(endpoint, 'a client', clients))}${cell(all / per)}  ${endpoint}`,
    ),
  ];
}
