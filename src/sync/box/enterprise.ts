import type { Clock } from '../../clock.ts';
import { MilaError, StaleError, TransientError } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type {
  Account,
  ActingWay,
  BoxAnswer,
  Collaboration,
  Desk,
  Enterprise,
  Group,
  GroupRole,
  KeyFacts,
  Member,
} from '../admin/enterprise.ts';
import type { Access } from './access.ts';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './backoff.ts';
import {
  BOX_BASE_URLS,
  type BoxBaseUrls,
  type BoxConfiguration,
  commandAgainstReaders,
} from './box-configuration.ts';
import { BoxDesk } from './desk.ts';
import { Dispatchers, type ProxyEnvironment } from './dispatchers.ts';
import {
  readAccount,
  readCollaboration,
  readGroup,
  readGroupOf,
  readMember,
  readPage,
  USER_FIELDS,
} from './enterprise-answers.ts';
import { isGone } from './items.ts';
import { grantFor, subjectOf } from './log-in.ts';
import { Pacer } from './pacer.ts';
import { subscribeOnce } from './realtime.ts';
import { refusalOf } from './refusal.ts';
import { ask, type BoxSession, openSession, readPlainly } from './session.ts';
import { TokenKeeper } from './token-keeper.ts';
import { Transport } from './transport.ts';
import { writeOnce } from './write-once.ts';

export interface EnterpriseOptions {
  readonly configuration: BoxConfiguration;
  /** Default: those of the key file, else Box itself. */
  readonly baseUrls?: BoxBaseUrls;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly environment?: ProxyEnvironment;
  readonly retryPolicy?: RetryPolicy;
  /** Ends what looks and waits. */
  readonly signal: AbortSignal;
}

/** Units: milliseconds. A person waits for the answer. */
const TIMEOUTS = { headersMs: 30_000, idleMs: 20_000 };
const PAGE_SIZE = 1000;
/** Box refuses offsets above ten thousand. Source: Box, "Offset-based pagination". */
const PAGES_MAX = 10;

class BoxEnterprise implements Enterprise {
  readonly key: KeyFacts;
  readonly service: Desk;
  readonly #options: EnterpriseOptions;
  readonly #baseUrls: BoxBaseUrls;
  readonly #dispatchers: Dispatchers;
  readonly #transport: Transport;
  readonly #keeper: TokenKeeper;
  readonly #session: BoxSession;

  constructor(options: EnterpriseOptions, key: KeyFacts) {
    const { configuration, clock, random, logger, environment } = options;
    this.key = key;
    this.#options = options;
    this.#baseUrls = options.baseUrls ?? configuration.baseUrls ?? BOX_BASE_URLS;
    this.#dispatchers = new Dispatchers(environment);
    this.#transport = new Transport({
      dispatchers: this.#dispatchers,
      clock,
      random,
      logger,
      pacer: new Pacer(clock),
      retryPolicy: options.retryPolicy ?? DEFAULT_RETRY_POLICY,
      timeouts: TIMEOUTS,
    });
    this.#keeper = this.#keeperFor(subjectOf(configuration));
    this.#session = this.#sessionOf(this.#keeper);
    this.service = this.#deskOf(this.#session);
  }

  async clockOffsetMs(): Promise<number> {
    const { clock, signal } = this.#options;
    const askedMs = clock.now();
    const { headers } = await this.#transport.call({
      method: 'GET',
      url: new URL(`${this.#baseUrls.api}/2.0/users/me`),
      expect: 'json',
      writes: false,
      meter: 'api',
      signal,
      // Without a token there is nothing else to say, and the answer's date is what is wanted.
      answers: [401],
    });
    const answeredMs = clock.now();
    const boxMs = Date.parse(headers['date'] ?? '');
    if (!Number.isFinite(boxMs)) {
      throw new TransientError({
        code: 'answer-malformed',
        message: `${this.#baseUrls.api} answers without a date, so it is not Box itself`,
      });
    }
    // The header has whole seconds: within half a second of the middle nothing can be told.
    const offsetMs = boxMs + 500 - (askedMs + answeredMs) / 2;
    return Math.sign(offsetMs) * Math.floor(Math.abs(offsetMs) / 1000) * 1000;
  }

  async logIn(): Promise<void> {
    await this.#keeper.token(this.#options.signal);
  }

  desk(userId: string, way: ActingWay): Desk {
    const service = this.#keeper;
    const access: Access =
      way === 'user-token'
        ? this.#keeperFor({ type: 'user', id: userId })
        : {
            token: (signal) => service.token(signal),
            refuse: (token) => service.refuse(token),
            headers: { 'as-user': userId },
          };
    return this.#deskOf(this.#sessionOf(access));
  }

  async users(prefix: string): Promise<readonly Account[]> {
    const query = { user_type: 'managed', fields: USER_FIELDS, filter_term: prefix };
    return (await this.#all('users', query)).map(readAccount);
  }

  async seesPeople(): Promise<boolean> {
    const query = { user_type: 'managed', fields: USER_FIELDS };
    for await (const page of this.#pages('users', query))
      if (page.some((entry) => readAccount(entry).kind === 'person')) return true;
    return false;
  }

  async account(userId: string): Promise<Account | undefined> {
    try {
      return readAccount(await this.#get(`users/${userId}`, { fields: USER_FIELDS }));
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async groups(prefix: string): Promise<readonly Group[]> {
    return (await this.#all('groups', prefix === '' ? {} : { filter_term: prefix })).map(readGroup);
  }

  async members(groupId: string): Promise<readonly Member[]> {
    const found = await this.#all(`groups/${groupId}/memberships`, {});
    return found.flatMap((entry) => readMember(entry) ?? []);
  }

  async groupsOf(userId: string): Promise<readonly Group[]> {
    const found = await this.#all(`users/${userId}/memberships`, {});
    return found.flatMap((entry) => readGroupOf(entry) ?? []);
  }

  async invitationsOf(groupId: string): Promise<readonly Collaboration[]> {
    return (await this.#all(`groups/${groupId}/collaborations`, {})).map(readCollaboration);
  }

  createGroup(name: string): Promise<Group> {
    const { groups } = this.#session.client;
    return this.#create({
      make: async () =>
        readGroup(await ask(undefined, () => groups.createGroup({ name, invitabilityLevel: 'admins_only' }))),
      look: async () => (await this.groups(name)).find((group) => group.name === name),
    });
  }

  async addMember(groupId: string, userId: string): Promise<void> {
    const { memberships } = this.#session.client;
    await this.#create<true>({
      make: async () => {
        try {
          await ask(undefined, () =>
            memberships.createGroupMembership({ user: { id: userId }, group: { id: groupId } }),
          );
        } catch (error) {
          // A member already, by an earlier try or another process.
          if (!(error instanceof StaleError) || error.data['status'] !== 409) throw error;
        }
        return true;
      },
      look: async () => ((await this.members(groupId)).some(({ id }) => id === userId) ? true : undefined),
    });
  }

  createAppUser(name: string): Promise<Account> {
    const { users } = this.#session.client;
    return this.#create({
      make: async () =>
        readAccount(await ask(undefined, () => users.createUser({ name, isPlatformAccessOnly: true }))),
      look: async () => (await this.users(name)).find((user) => user.name === name),
    });
  }

  async invite(folderId: RemoteId, groupId: string, role: GroupRole): Promise<void> {
    const { userCollaborations } = this.#session.client;
    const isThere = async () =>
      (await this.service.collaborations(folderId)).some(({ invited }) => invited?.id === groupId)
        ? (true as const)
        : undefined;
    await this.#create<true>({
      make: async () => {
        await ask(undefined, () =>
          userCollaborations.createCollaboration({
            item: { type: 'folder', id: folderId },
            accessibleBy: { type: 'group', id: groupId },
            role,
          }),
        );
        return true;
      },
      look: isThere,
    });
  }

  tryWakeUp(): Promise<string> {
    return subscribeOnce(this.#session, this.#options.signal);
  }

  answerBehind(error: unknown): BoxAnswer | undefined {
    for (let each: unknown = error; each instanceof MilaError; each = each.cause) {
      const refusal = refusalOf(each);
      if (refusal === undefined) continue;
      return {
        call: /^([A-Z]+ \/\S+): /.exec(each.message)?.[1] ?? null,
        status: refusal.status,
        code: refusal.boxCode ?? null,
        message: refusal.message ?? null,
        requestId: refusal.requestId ?? null,
      };
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#dispatchers.close();
  }

  /** Creations are not given up halfway, so that none is left behind unnoticed. */
  #create<T>({ make, look }: { make: () => Promise<T>; look: () => Promise<T | undefined> }): Promise<T> {
    return writeOnce(this.#transport, { attempt: make, look });
  }

  #keeperFor(subject: Parameters<typeof grantFor>[1]): TokenKeeper {
    const { clock, logger, configuration } = this.#options;
    const deps = { configuration, baseUrls: this.#baseUrls, transport: this.#transport, clock, logger };
    return new TokenKeeper({ grant: grantFor(deps, subject), clock, logger });
  }

  #sessionOf(access: Access): BoxSession {
    const { logger } = this.#options;
    return openSession({ transport: this.#transport, access, baseUrls: this.#baseUrls, logger });
  }

  #deskOf(session: BoxSession): BoxDesk {
    const { random, signal } = this.#options;
    return new BoxDesk({ session, random, signal });
  }

  #get(path: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    return readPlainly(this.#session, path, query, this.#options.signal);
  }

  async #all(path: string, query: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
    const found: unknown[] = [];
    for await (const page of this.#pages(path, query)) found.push(...page);
    return found;
  }

  async *#pages(path: string, query: Readonly<Record<string, string>>): AsyncGenerator<readonly unknown[]> {
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const paging = { limit: String(PAGE_SIZE), offset: String(page * PAGE_SIZE) };
      const { entries } = readPage(await this.#get(path, { ...query, ...paging }));
      yield entries;
      if (entries.length < PAGE_SIZE) return;
    }
  }
}

/** Speak to Box as an administrator's check would. Nothing is asked of Box before the first call. */
export async function openEnterprise(options: EnterpriseOptions): Promise<Enterprise> {
  const { path, isFile, credentials } = options.configuration;
  const closeToOthers = (isFile ? await commandAgainstReaders(path) : undefined) ?? null;
  return new BoxEnterprise(options, { path, kind: credentials.kind, closeToOthers });
}
