import type { Readable } from 'node:stream';
import type { Clock } from '../../clock.ts';
import type { RemoteId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type {
  ChangePage,
  DownloadRequest,
  NewFile,
  NewVersion,
  Relocation,
  RemoteCallLedger,
  RemoteStore,
  RemoteVersion,
  Removal,
  TransferOptions,
  Visibility,
} from '../remote/remote-store.ts';
import type { EntryKind, RemoteEntry, RemoteFile, RemoteFolder, RemoteUser } from '../tree/entry.ts';
import { LinkedAbort } from './abort.ts';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './backoff.ts';
import { BOX_BASE_URLS, type BoxBaseUrls, type BoxConfiguration } from './box-configuration.ts';
import type { BoxIdentity } from './box-identity.ts';
import { Dispatchers, type ProxyEnvironment } from './dispatchers.ts';
import { BoxDownloads } from './downloads.ts';
import { EventFeed, streamPositionOf } from './event-feed.ts';
import type { ExchangeTimeouts } from './exchange.ts';
import { FolderFinder } from './folder-finder.ts';
import { BoxItems } from './items.ts';
import { logIn, narrowedSession } from './log-in.ts';
import { LongPoll } from './long-poll.ts';
import { type ApiBudget, type Paced, Pacer, type RateLimits } from './pacer.ts';
import type { BoxSession } from './session.ts';
import { Transport } from './transport.ts';
import { BoxUploads } from './uploads.ts';
import { BoxVersions } from './versions.ts';

export interface BoxStoreOptions {
  readonly configuration: BoxConfiguration;
  readonly identity: BoxIdentity;
  /** Default: those of the configuration file, else Box itself. */
  readonly baseUrls?: BoxBaseUrls;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly ledger?: RemoteCallLedger;
  readonly environment?: ProxyEnvironment;
  readonly apiBudget?: ApiBudget;
  /** Default: what Box allows everybody. */
  readonly limits?: RateLimits;
  /** Told of each call that a limit holds back. */
  readonly onPaced?: (paced: Paced) => void;
  /** Narrow the tokens to the mirrored folder as soon as `confine` names it. Default false. */
  readonly leastPrivilege?: boolean;
  /** From this size on, content goes in parts. Units: bytes; Box takes no parts below 20,000,000. Default 32 MiB. */
  readonly chunkedFromBytes?: number;
  readonly retryPolicy?: RetryPolicy;
  readonly timeouts?: ExchangeTimeouts;
}

/** Box's own slowest answers (folder operations) come within this; silence beyond it is a lost connection. */
const DEFAULT_TIMEOUTS: ExchangeTimeouts = { headersMs: 90_000, idleMs: 45_000 };

/** All that works inside the mirrored folder. */
interface ContentRooms {
  readonly items: BoxItems;
  readonly uploads: BoxUploads;
  readonly downloads: BoxDownloads;
  readonly versions: BoxVersions;
}

class BoxStore implements RemoteStore {
  readonly #account: RemoteUser;
  readonly #root: BoxItems;
  readonly #finder: FolderFinder;
  readonly #contentOf: (session: BoxSession) => ContentRooms;
  readonly #narrowed: ((folderId: RemoteId) => BoxSession) | undefined;
  #content: ContentRooms;
  readonly #feed: EventFeed;
  readonly #poll: LongPoll;
  readonly #dispatchers: Dispatchers;
  readonly #closing = new AbortController();

  constructor(options: {
    whole: BoxSession;
    leastPrivilege: boolean;
    account: RemoteUser;
    dispatchers: Dispatchers;
    clock: Clock;
    random: Random;
    chunkedFromBytes: number | undefined;
  }) {
    const { whole, leastPrivilege, clock, random, chunkedFromBytes } = options;
    this.#dispatchers = options.dispatchers;
    this.#account = options.account;
    this.#contentOf = (session) => {
      const items = new BoxItems(session);
      return {
        items,
        uploads: new BoxUploads({ session, items, random, chunkedFromBytes }),
        downloads: new BoxDownloads(session),
        versions: new BoxVersions(session, items),
      };
    };
    this.#content = this.#contentOf(whole);
    this.#narrowed = leastPrivilege ? (folderId) => narrowedSession(whole, folderId, clock) : undefined;
    // Paths begin at the account's root, and events are the account's: beyond what a narrowed token opens.
    this.#root = new BoxItems(whole);
    this.#finder = new FolderFinder(whole, this.#root);
    this.#feed = new EventFeed(whole, clock);
    this.#poll = new LongPoll(whole, clock);
  }

  async account(): Promise<RemoteUser> {
    return this.#account;
  }

  confine(folderId: RemoteId): void {
    if (this.#narrowed !== undefined) this.#content = this.#contentOf(this.#narrowed(folderId));
  }

  findFolder(path: readonly string[], signal?: AbortSignal): Promise<RemoteFolder | undefined> {
    return this.#finder.find(path, signal);
  }

  get(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<RemoteEntry | undefined> {
    return this.#content.items.get(id, kind, signal);
  }

  /** Asked with the whole account's rights: a token narrowed to a folder cannot tell how that folder stands. */
  visibility(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<Visibility> {
    return this.#root.visibility(id, kind, signal);
  }

  list(folderId: RemoteId, signal?: AbortSignal): Promise<readonly RemoteEntry[] | undefined> {
    return this.#content.items.list(folderId, signal);
  }

  createFolder(parentId: RemoteId, name: string, signal?: AbortSignal): Promise<RemoteFolder> {
    return this.#content.items.createFolder(parentId, name, signal);
  }

  upload(file: NewFile, options: TransferOptions = {}): Promise<RemoteFile> {
    return this.#content.uploads.create(file, options);
  }

  uploadVersion(version: NewVersion, options: TransferOptions = {}): Promise<RemoteFile> {
    return this.#content.uploads.revise(version, options);
  }

  download(request: DownloadRequest, options: TransferOptions = {}): Promise<Readable> {
    return this.#content.downloads.open(request, options);
  }

  relocate(relocation: Relocation, signal?: AbortSignal): Promise<RemoteEntry> {
    return this.#content.items.relocate(relocation, signal);
  }

  remove(removal: Removal, signal?: AbortSignal): Promise<'removed' | 'unseen'> {
    return this.#content.items.remove(removal, signal);
  }

  versions(id: RemoteId, signal?: AbortSignal): Promise<readonly RemoteVersion[]> {
    return this.#content.versions.list(id, signal);
  }

  promote(id: RemoteId, versionId: string, signal?: AbortSignal): Promise<RemoteFile> {
    return this.#content.versions.promote(id, versionId, signal);
  }

  position(signal?: AbortSignal): Promise<string> {
    return this.#feed.position(signal);
  }

  changes(position: string, signal?: AbortSignal): Promise<ChangePage> {
    return this.#feed.changes(position, signal);
  }

  async waitForChange(position: string, signal: AbortSignal): Promise<void> {
    const ended = new LinkedAbort(signal, this.#closing.signal);
    try {
      await this.#poll.wait(streamPositionOf(position), ended.signal);
    } finally {
      ended.release();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#dispatchers.close();
  }
}

/**
 * Log in and open the shared folder's side.
 *
 * Guarantees: the identity works when this returns: the token was issued, the app user exists and is in its group.
 * Errors: AuthError naming the administrator's step that mends it · TransientError when Box cannot be reached.
 */
export async function openBoxStore(options: BoxStoreOptions): Promise<RemoteStore> {
  const { clock, random, logger } = options;
  const dispatchers = new Dispatchers(options.environment);
  try {
    const transport = new Transport({
      dispatchers,
      clock,
      random,
      logger,
      pacer: new Pacer(clock, options.apiBudget, options.limits, options.onPaced),
      retryPolicy: options.retryPolicy ?? DEFAULT_RETRY_POLICY,
      timeouts: options.timeouts ?? DEFAULT_TIMEOUTS,
      ledger: options.ledger,
    });
    const { configuration, identity, leastPrivilege = false } = options;
    const { whole, account } = await logIn({
      configuration,
      identity,
      baseUrls: options.baseUrls ?? configuration.baseUrls ?? BOX_BASE_URLS,
      transport,
      clock,
      logger,
    });
    const { chunkedFromBytes } = options;
    return new BoxStore({
      whole,
      leastPrivilege,
      account,
      dispatchers,
      clock,
      random,
      chunkedFromBytes,
    });
  } catch (error) {
    await dispatchers.close();
    throw error;
  }
}
