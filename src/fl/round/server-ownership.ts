import type { Account } from './server-state.ts';

/** Who stands behind a file, as far as the shared folder tells. */
export interface Writers {
  readonly createdBy: Account | null;
  readonly modifiedBy: Account | null;
}

/** The account whose the server's files of a run are: known by the run itself, or named by a person. */
export type RunOwner =
  | { readonly kind: 'account'; readonly account: Account }
  | { readonly kind: 'named'; readonly name: string };

/** A file of the server's that somebody else wrote. */
export interface ForeignFile {
  /** Below the shared folder. */
  readonly path: string;
  readonly by: Account;
}

/** How much of an account's name is shown. Units: characters. */
const NAME_SHOWN_MAX = 64;

/** Whether a name or an id in a configuration means this account. */
export function isNamed(name: string, account: Account): boolean {
  return account.id === name || account.name === name;
}

/**
 * Who may write the server's files of a run: whom a person named; otherwise the account that made the run's folder, or,
 * where that is not known, the one that created its `cfg.json`. Null where nobody can tell.
 */
export function ownerOf(
  named: string | null,
  maker: Account | null | undefined,
  task: Writers | undefined,
): RunOwner | null {
  if (named !== null) return { kind: 'named', name: named };
  const account = maker ?? task?.createdBy ?? null;
  return account === null ? null : { kind: 'account', account };
}

/** Whether an account may write for the server; what nobody can tell is no objection. */
export function mayServe(owner: RunOwner | null, account: Account | null): boolean {
  if (owner === null || account === null) return true;
  return owner.kind === 'named' ? isNamed(owner.name, account) : owner.account.id === account.id;
}

/**
 * Whoever wrote a server's file and may not; null when it is the server's.
 *
 * A version whose writer is not known is its creator's: content of this machine that Box has not heard of.
 */
export function foreignWriter(owner: RunOwner | null, { createdBy, modifiedBy }: Writers): Account | null {
  const writer = modifiedBy ?? createdBy;
  return writer === null || mayServe(owner, writer) ? null : writer;
}

/** As `foreignWriter`, for the server itself: what it wrote over another's file and Box has not heard of is its own. */
export function foreignVersion(
  owner: RunOwner | null,
  { modifiedBy }: Pick<Writers, 'modifiedBy'>,
): Account | null {
  return modifiedBy === null || mayServe(owner, modifiedBy) ? null : modifiedBy;
}

/** What an account is called where people read it: nothing that a terminal obeys. */
function shownName({ name, id }: Account): string {
  const clean = name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?').slice(0, NAME_SHOWN_MAX);
  return clean === '' ? `account ${id}` : clean;
}

/** The event that tells of a server's file that somebody else wrote. */
export function foreignFileEvent(
  { path, by }: ForeignFile,
  what = 'is no file of the server and is ignored',
) {
  const shown = path.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return {
    event: 'foreign-file',
    participant: 'server',
    account: shownName(by),
    path: shown,
    message: `${shown} was written by ${shownName(by)}: it ${what}`,
  } as const;
}
