import { readFile } from 'node:fs/promises';

interface PlainTransfersOptions {
  /** The emulator's address, without a path. */
  readonly url: string;
  /** What is moved. */
  readonly path: string;
  /** How many fetch it at the same time in the end. */
  readonly receivers: number;
  /** How the names of what is uploaded begin. */
  readonly label: string;
}

async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}

async function fieldOf(response: Response, field: string): Promise<string> {
  return String(((await (await checked(response)).json()) as Record<string, unknown>)[field]);
}

/**
 * How long a round's transfers take when nothing else is done: a checkpoint up and down, a model up, and down to
 * everybody at once, by plain HTTP that keeps nothing of what it gets.
 *
 * Units: milliseconds.
 */
export async function plainTransfers({
  url,
  path,
  receivers,
  label,
}: PlainTransfersOptions): Promise<number> {
  const post = (to: string, body: string | FormData, headers: Record<string, string> = {}) =>
    fetch(`${url}${to}`, { method: 'POST', headers, body });
  const app = await fetch(`${url}/_emulator/app`);
  const administrator = await fieldOf(app, 'admin_user_id');
  const json = { 'content-type': 'application/json' };
  const token = await fieldOf(
    await post(`/_emulator/users/${administrator}/token`, '{}', json),
    'access_token',
  );
  const authorization = { authorization: `Bearer ${token}` };
  const content = new Blob([await readFile(path)]);
  const upload = async (name: string): Promise<string> => {
    const form = new FormData();
    form.set('attributes', JSON.stringify({ name, parent: { id: '0' } }));
    form.set('file', content, name);
    const reply = await checked(await post('/api/2.0/files/content', form, authorization));
    const { entries } = (await reply.json()) as { entries: readonly { readonly id: string }[] };
    return entries[0]?.id ?? '';
  };
  const download = async (id: string): Promise<void> => {
    const reply = await checked(await fetch(`${url}/2.0/files/${id}/content`, { headers: authorization }));
    for await (const piece of reply.body ?? []) void piece;
  };
  const startedMs = performance.now();
  await download(await upload(`${label} checkpoint`));
  const model = await upload(`${label} model`);
  await Promise.all(Array.from({ length: receivers }, () => download(model)));
  return performance.now() - startedMs;
}
