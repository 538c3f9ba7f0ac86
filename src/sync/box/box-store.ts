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
} from '../remote/remote-store.ts';
import type { EntryKind, RemoteEntry, RemoteFile, RemoteFolder, RemoteUser } from '../tree/entry.ts';
import { LinkedAbort } from './abort.ts';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './backoff.ts';
import { BOX_BASE_URLS, type BoxBaseUrls, type BoxConfiguration } from './box-configuration.ts';
import { Dispatchers, type ProxyEnvironment } from './dispatchers.ts';
import { BoxDownloads } from './downloads.ts';
import { EventFeed, streamPositionOf } from './event-feed.ts';
import type { ExchangeTimeouts } from './exchange.ts';
import { BoxItems } from './items.ts';
import { type BoxIdentity, logIn } from './log-in.ts';
import { LongPoll } from './long-poll.ts';
import { type ApiBudget, Pacer, type RateLimits } from './pacer.ts';
import type { BoxSession } from './session.ts';
import { Transport } from './transport.ts';
import { BoxUploads } from './uploads.ts';
import { BoxVersions } from './versions.ts';

export type { BoxIdentity } from './log-in.ts';

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
  /** Narrow the token to this folder. */
  readonly leastPrivilegeFolder?: RemoteId;
  /** From this size on, content goes in parts. Units: bytes; Box takes no parts below 20,000,000. Default 32 MiB. */
  readonly chunkedFromBytes?: number;
  readonly retryPolicy?: RetryPolicy;
  readonly timeouts?: ExchangeTimeouts;
}

/** Box's own slowest answers (folder operations) come within this; silence beyond it is a lost connection. */
const DEFAULT_TIMEOUTS: ExchangeTimeouts = { headersMs: 90_000, idleMs: 45_000 };

class BoxStore implements RemoteStore {
  readonly #account: RemoteUser;
  readonly #items: BoxItems;
  readonly #root: BoxItems;
  readonly #uploads: BoxUploads;
  readonly #downloads: BoxDownloads;
  readonly #versions: BoxVersions;
  readonly #feed: EventFeed;
  readonly #poll: LongPoll;
  readonly #dispatchers: Dispatchers;
  readonly #closing = new AbortController();

  constructor(options: {
    content: BoxSession;
    whole: BoxSession;
    account: RemoteUser;
    dispatchers: Dispatchers;
    clock: Clock;
    random: Random;
    chunkedFromBytes: number | undefined;
  }) {
    const { content, whole, clock, random, chunkedFromBytes } = options;
    this.#dispatchers = options.dispatchers;
    this.#items = new BoxItems(content);
    this.#account = options.account;
    // Paths begin at the account's root, and events are the account's: beyond what a narrowed token opens.
    this.#root = new BoxItems(whole);
    this.#uploads = new BoxUploads({ session: content, items: this.#items, random, chunkedFromBytes });
    this.#downloads = new BoxDownloads(content);
    this.#versions = new BoxVersions(content, this.#items);
    this.#feed = new EventFeed(whole, clock);
    this.#poll = new LongPoll(whole, clock);
  }

  async account(): Promise<RemoteUser> {
    return this.#account;
  }

  findFolder(path: readonly string[], signal?: AbortSignal): Promise<RemoteFolder | undefined> {
    return this.#root.findFolder(path, signal);
  }

  get(id: RemoteId, kind: EntryKind, signal?: AbortSignal): Promise<RemoteEntry | undefined> {
    return this.#items.get(id, kind, signal);
  }

  list(folderId: RemoteId, signal?: AbortSignal): Promise<readonly RemoteEntry[] | undefined> {
    return this.#items.list(folderId, signal);
  }

  createFolder(parentId: RemoteId, name: string, signal?: AbortSignal): Promise<RemoteFolder> {
    return this.#items.createFolder(parentId, name, signal);
  }

  upload(file: NewFile, options: TransferOptions = {}): Promise<RemoteFile> {
    return this.#uploads.create(file, options);
  }

  uploadVersion(version: NewVersion, options: TransferOptions = {}): Promise<RemoteFile> {
    return this.#uploads.revise(version, options);
  }

  download(request: DownloadRequest, options: TransferOptions = {}): Promise<Readable> {
    return this.#downloads.open(request, options);
  }

  relocate(relocation: Relocation, signal?: AbortSignal): Promise<RemoteEntry> {
    return this.#items.relocate(relocation, signal);
  }

  remove(removal: Removal, signal?: AbortSignal): Promise<void> {
    return this.#items.remove(removal, signal);
  }

  versions(id: RemoteId, signal?: AbortSignal): Promise<readonly RemoteVersion[]> {
    return this.#versions.list(id, signal);
  }

  promote(id: RemoteId, versionId: string, signal?: AbortSignal): Promise<RemoteFile> {
    return this.#versions.promote(id, versionId, signal);
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
      pacer: new Pacer(clock, options.apiBudget, options.limits),
      retryPolicy: options.retryPolicy ?? DEFAULT_RETRY_POLICY,
      timeouts: options.timeouts ?? DEFAULT_TIMEOUTS,
      ledger: options.ledger,
    });
    const { configuration, identity, leastPrivilegeFolder } = options;
    const { content, whole, account } = await logIn({
      configuration,
      identity,
      leastPrivilegeFolder,
      baseUrls: options.baseUrls ?? configuration.baseUrls ?? BOX_BASE_URLS,
      transport,
      clock,
      logger,
    });
    const { chunkedFromBytes } = options;
    return new BoxStore({ content, whole, account, dispatchers, clock, random, chunkedFromBytes });
  } catch (error) {
    await dispatchers.close();
    throw error;
  }
}
