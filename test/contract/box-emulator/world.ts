import { randomUUID } from 'node:crypto';
import { type Answer, Rig } from './rig.ts';

/** Who and what the rows of the error table deal with. */
export interface World {
  readonly rig: Rig;
  readonly owner: string;
  readonly editor: { readonly id: string; readonly token: string };
  readonly viewer: { readonly id: string; readonly token: string };
  readonly stranger: { readonly id: string; readonly token: string };
  readonly folder: string;
  readonly file: string;
  /** A name that nothing has yet. */
  readonly fresh: () => string;
}

/** One kind of refusal: how it is provoked, and how Box words it. */
export interface ErrorRow {
  readonly name: string;
  readonly run: (world: World) => Promise<Answer>;
  readonly status: number;
  /** `code` of an API error; null for an empty body. */
  readonly code?: string | null;
  /** `error` of a token error. */
  readonly oauth?: string;
  /** The message, or the token error's description, whole or as a pattern. */
  readonly message?: string | RegExp;
  readonly header?: readonly [string, RegExp];
  /** What `context_info` holds at least. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** What `context_info` says of one wrong parameter. */
export const wrong = (name: string, reason = 'invalid_parameter') => ({ errors: [{ reason, name }] });

export async function openWorld(): Promise<World> {
  const rig = await Rig.open({ chunkedMinimumBytes: 1000, partSizeBytes: 1024 });
  const owner = await rig.service();
  const folder = await rig.folder(owner, '0', 'world');
  const [editor, viewer, stranger] = [
    await rig.appUser('editor'),
    await rig.appUser('viewer'),
    await rig.appUser('stranger'),
  ];
  await rig.share(owner, folder, editor.id, 'editor');
  await rig.share(owner, folder, viewer.id, 'viewer');
  const file = await rig.file(owner, folder, 'world.txt');
  return { rig, owner, editor, viewer, stranger, folder, file, fresh: () => `fresh-${randomUUID()}` };
}

/** Change a setting for one request. */
export async function during(
  { rig }: World,
  change: Readonly<Record<string, unknown>>,
  back: Readonly<Record<string, unknown>>,
  run: () => Promise<Answer>,
): Promise<Answer> {
  await rig.settings(change);
  try {
    return await run();
  } finally {
    await rig.settings(back);
  }
}

/** Change the app for one request. */
export async function withApp(
  { rig }: World,
  change: Readonly<Record<string, unknown>>,
  back: Readonly<Record<string, unknown>>,
  run: () => Promise<Answer>,
): Promise<Answer> {
  await rig.control('POST', '/app', change);
  try {
    return await run();
  } finally {
    await rig.control('POST', '/app', back);
  }
}

/** A request with a JSON body. */
export const json = (
  world: World,
  method: string,
  path: string,
  body: unknown,
  token = world.owner,
  headers = {},
) => world.rig.call(method, path, { token, json: body, headers });
