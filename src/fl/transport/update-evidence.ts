import type { UpdateMeta } from './side-file.ts';

type Problem = { readonly reason: string; readonly message: string };

/** What the server itself knows of an update and of its round. */
interface Evidence {
  readonly round: number;
  readonly sha256: string;
  /** Of the model that the round starts from; null when it starts from nothing. */
  readonly start: string | null;
}

/** Why an update's side file speaks against it; null when it does not, or when there is none. */
export function metaProblem(
  meta: UpdateMeta | string | null,
  { round, sha256, start }: Evidence,
): Problem | null {
  if (meta === null) return null;
  if (typeof meta === 'string') return { reason: 'side-file-malformed', message: meta };
  if (meta.round !== round)
    return { reason: 'wrong-round', message: `its side file says round ${meta.round}, not ${round}` };
  if (meta.sha256 !== sha256)
    return { reason: 'hash-differs', message: 'its bytes are not the ones that its side file describes' };
  // A side file need not tell; what it tells must fit.
  if (meta.start_sha256 !== undefined && meta.start_sha256 !== start)
    return { reason: 'wrong-start', message: `it was not trained from the model of round ${round}` };
  return null;
}
