import type { RemoteId } from '../../ids.ts';
import type { RemoteEntry, RemoteFolder } from '../tree/entry.ts';

/** What Box said when it refused something. */
export interface BoxAnswer {
  /** The call, such as "GET /2.0/users". */
  readonly call: string | null;
  readonly status: number;
  /** Box's own code; on a login its `error`. */
  readonly code: string | null;
  readonly message: string | null;
  readonly requestId: string | null;
}

/** Whose account it is: an app's own, one that exists for an app only, or a person's. */
export type AccountKind = 'service-account' | 'app-user' | 'person';

/** An account of the enterprise. Units: bytes; null where Box does not tell, or sets no limit. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly kind: AccountKind;
  readonly uploadMaxBytes: number | null;
  readonly spaceBytes: number | null;
  readonly spaceUsedBytes: number | null;
}

/** An account as a group names it. */
export type Member = Pick<Account, 'id' | 'name' | 'kind'>;

export interface Group {
  readonly id: string;
  readonly name: string;
}

/** The roles that let a participant take part, by Box's names. */
export type GroupRole = 'editor' | 'viewer uploader';

/** One invitation to a folder. */
export interface Collaboration {
  readonly folder: { readonly id: string; readonly name: string } | null;
  readonly invited: { readonly kind: 'user' | 'group'; readonly id: string; readonly name: string } | null;
  readonly role: string;
  readonly accepted: boolean;
  /** Units: milliseconds since 1970. */
  readonly endsAtMs: number | null;
}

/** A folder with what decides who may do what in it. */
export interface FolderFacts {
  readonly id: RemoteId;
  readonly name: string;
  readonly owner: { readonly id: string; readonly name: string } | null;
  /** True when the owner belongs to another enterprise. */
  readonly ownedElsewhere: boolean;
  readonly may: {
    readonly upload: boolean;
    readonly rename: boolean;
    readonly remove: boolean;
    readonly invite: boolean;
  };
}

/** The key file, without its secrets. */
export interface KeyFacts {
  readonly path: string;
  readonly kind: 'jwt' | 'client-credentials' | 'developer-token';
  /** The command that closes the file to others on this machine; null when it is closed. */
  readonly closeToOthers: string | null;
}

/** Box as one account sees it. Errors: those of RemoteStore. */
export interface Desk {
  me(): Promise<Account>;
  /** Undefined when the folder is not there or not visible. */
  entries(folderId: RemoteId): Promise<readonly RemoteEntry[] | undefined>;
  folder(folderId: RemoteId): Promise<FolderFacts | undefined>;
  collaborations(folderId: RemoteId): Promise<readonly Collaboration[]>;
  createFolder(parentId: RemoteId, name: string): Promise<RemoteFolder>;
  /** A small file. */
  writeFile(parentId: RemoteId, name: string, text: string): Promise<void>;
  /**
   * Remove a folder with all that is in it, from the trash too where Box lets this account.
   *
   * Guarantees: runs to its end although the enterprise's signal is aborted.
   */
  discard(folder: RemoteFolder): Promise<void>;
}

/** How the app speaks for a user: with a token for that user, or with its own token and the user's id. */
export type ActingWay = 'user-token' | 'as-user';

/**
 * The port to what doctor and setup ask of Box beyond the files of one folder.
 *
 * Guarantees: everything that looks changes nothing; a creation whose answer was lost is looked for before it is
 * repeated. Errors: AuthError · RejectedError · TransientError; AbortError once the signal is aborted.
 */
export interface Enterprise {
  readonly key: KeyFacts;
  /** Box's clock minus this machine's. Needs no login. Units: milliseconds, whole seconds. */
  clockOffsetMs(): Promise<number>;
  /** Ask for a fresh token for the app's own account. Errors: AuthError naming what is wrong. */
  logIn(): Promise<void>;
  /** The app's own account. */
  readonly service: Desk;
  desk(userId: string, way: ActingWay): Desk;
  /** Whether the app sees accounts of people: without App + Enterprise access it sees its own app users only. */
  seesPeople(): Promise<boolean>;
  /** Users whose name or login begins like this, as far as the app sees them. */
  users(prefix: string): Promise<readonly Account[]>;
  /** Undefined when the app does not see the user. */
  account(userId: string): Promise<Account | undefined>;
  groups(prefix: string): Promise<readonly Group[]>;
  members(groupId: string): Promise<readonly Member[]>;
  /** The groups of one user. */
  groupsOf(userId: string): Promise<readonly Group[]>;
  /** Where a group is invited. */
  invitationsOf(groupId: string): Promise<readonly Collaboration[]>;
  createGroup(name: string): Promise<Group>;
  addMember(groupId: string, userId: string): Promise<void>;
  createAppUser(name: string): Promise<Account>;
  invite(folderId: RemoteId, groupId: string, role: GroupRole): Promise<void>;
  /**
   * Subscribe once at the realtime server that wakes mounts, as the app's own account. Returns the server's host.
   * Errors: TransientError 'realtime-unreachable', naming the host, when that server is what fails.
   */
  tryWakeUp(): Promise<string>;
  /** What Box said, when an error came from Box's saying no. */
  answerBehind(error: unknown): BoxAnswer | undefined;
  close(): Promise<void>;
}
