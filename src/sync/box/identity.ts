import { z } from 'zod';
import { AuthError, type MilaError, RejectedError, StaleError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { didYouMean } from '../../nearest-name.ts';
import type { RemoteUser } from '../tree/entry.ts';
import { ask, type BoxSession } from './session.ts';
import { writeOnce } from './write-once.ts';

const userSchema = z.object({
  id: z.coerce.string(),
  name: z.string().nullish(),
  login: z.string().nullish(),
});
const usersSchema = z.object({ entries: z.array(userSchema) });
const groupsSchema = z.object({
  entries: z.array(z.object({ id: z.coerce.string(), name: z.string().nullish() })),
});
const membershipsSchema = z.object({
  entries: z.array(z.object({ group: z.object({ id: z.coerce.string() }).nullish() })),
});

type BoxUser = z.infer<typeof userSchema>;

const PAGE_SIZE = 1000;
/** By prefix, a thousand users match at most; more pages than this do not end. */
const PAGES_MAX = 20;
/** The addresses that Box gives to users who exist for an application only. */
const APP_USER_LOGIN = /@boxdevedition\.com$/i;

const RIGHTS_HINT =
  'In the Developer Console tick "Manage users" and "Manage groups" and choose App + Enterprise Access where managed ' +
  'users take part; save, submit under Authorization, and let an administrator authorise the app again.';

/** Say that the application may not do this, when Box said so. */
async function administratively<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code !== 'no-permission') throw error;
    throw new AuthError({
      code: 'scope-missing',
      message: `The application may not ${what}: ${error.message}`,
      hint: RIGHTS_HINT,
      data: error.data,
      cause: error,
    });
  }
}

/** Users and groups of the enterprise, as the service account sees them. */
export class BoxDirectory {
  readonly #session: BoxSession;
  readonly #logger: Logger;

  constructor(session: BoxSession, logger: Logger) {
    this.#session = session;
    this.#logger = logger;
  }

  /** The user whose token this is. */
  async me(signal?: AbortSignal): Promise<RemoteUser> {
    const json = await ask(signal, () =>
      this.#session.client.users.getUserMe({ fields: ['id', 'name', 'login'] }, {}, signal),
    );
    const user = userSchema.parse(json);
    return { id: user.id, name: user.name ?? user.login ?? '' };
  }

  /** The app user of this name, created when there is none. */
  async appUser(name: string): Promise<RemoteUser> {
    return await administratively('manage users', async () => {
      const found = await this.findUser(name);
      if (found !== undefined) return found;
      const created = await writeOnce<RemoteUser>(this.#session.transport, {
        attempt: async () => {
          const json = await ask(undefined, () =>
            this.#session.client.users.createUser({ name, isPlatformAccessOnly: true }),
          );
          return { id: userSchema.parse(json).id, name };
        },
        look: () => this.findUser(name),
      });
      this.#logger.info({ user: created.id, name }, 'created an app user');
      return created;
    });
  }

  /** The user of exactly this name; of several, the app user that exists longest. */
  async findUser(name: string): Promise<RemoteUser | undefined> {
    const matches = (await this.#usersLike(name)).filter((user) => user.name === name);
    const rank = (user: BoxUser) => (APP_USER_LOGIN.test(user.login ?? '') ? 0 : 1);
    matches.sort((a, b) => rank(a) - rank(b) || Number(BigInt(a.id) - BigInt(b.id)));
    const [first] = matches;
    if (first === undefined) return undefined;
    if (matches.length > 1) {
      const ids = matches.map(({ id }) => id);
      this.#logger.warn({ name, ids }, 'several users have this name; taking the first');
    }
    return { id: first.id, name };
  }

  async #usersLike(name: string): Promise<BoxUser[]> {
    const users: BoxUser[] = [];
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const json = await ask(undefined, () =>
        this.#session.client.users.getUsers({
          filterTerm: name,
          userType: 'managed',
          fields: ['id', 'name', 'login'],
          limit: PAGE_SIZE,
          offset: page * PAGE_SIZE,
        }),
      );
      const { entries } = usersSchema.parse(json);
      users.push(...entries);
      if (entries.length < PAGE_SIZE) break;
    }
    return users;
  }

  /** Make sure that a user belongs to a group. Errors: AuthError 'group-missing'. */
  async join(user: RemoteUser, groupName: string): Promise<void> {
    await administratively('manage groups', async () => {
      const groupId = await this.#groupId(groupName);
      const memberships = membershipsSchema.parse(
        await ask(undefined, () =>
          this.#session.client.memberships.getUserMemberships(user.id, {
            queryParams: { limit: PAGE_SIZE },
          }),
        ),
      );
      if (memberships.entries.some(({ group }) => group?.id === groupId)) return;
      await this.#addMember(user.id, groupId);
      this.#logger.info({ user: user.id, name: user.name, groupName }, 'added the app user to the group');
    });
  }

  async #addMember(userId: string, groupId: string): Promise<void> {
    const backoff = this.#session.transport.backoff();
    for (;;) {
      try {
        await ask(undefined, () =>
          this.#session.client.memberships.createGroupMembership({
            user: { id: userId },
            group: { id: groupId },
          }),
        );
        return;
      } catch (error) {
        // A member already, by an earlier try or another process.
        if (error instanceof StaleError && error.data['status'] === 409) return;
        // Box holds one membership per pair, so repeating cannot double it.
        await this.#session.transport.pause(error, { backoff, writes: false });
      }
    }
  }

  /** What groups the application sees; for advice only, so that none are no reason to fail. */
  async #groupNames(): Promise<readonly string[]> {
    try {
      const json = await ask(undefined, () =>
        this.#session.client.groups.getGroups({ fields: ['id', 'name'], limit: PAGE_SIZE }),
      );
      return groupsSchema.parse(json).entries.flatMap(({ name }) => name ?? []);
    } catch {
      return [];
    }
  }

  async #groupId(groupName: string): Promise<string> {
    const json = await ask(undefined, () =>
      this.#session.client.groups.getGroups({
        filterTerm: groupName,
        fields: ['id', 'name'],
        limit: PAGE_SIZE,
      }),
    );
    const group = groupsSchema.parse(json).entries.find(({ name }) => name === groupName);
    if (group !== undefined) return group.id;
    const near = didYouMean(groupName, await this.#groupNames());
    throw new AuthError({
      code: 'group-missing',
      message: `The enterprise has no group named "${groupName}" that the application can see${near}`,
      hint:
        'An administrator creates it: Admin Console > Users & Groups > Groups > Create, adds the application (its ' +
        'service account) as a member, and invites the group to the shared folder with the role Editor. ' +
        'mila-sync doctor CONFIG says which step is missing, and mila-sync setup CONFIG does it.',
      data: { groupName },
    });
  }
}

/** Whether Box refuses tokens for users, so that the service account has to speak for them. */
export function refusesUserTokens(error: unknown): boolean {
  return (
    error instanceof AuthError &&
    ['user-token-refused', 'grant-refused', 'subject-refused'].includes(error.code)
  );
}

/** What to tell when the service account may not speak for a user either. */
export function cannotActError(user: RemoteUser, cause: unknown): MilaError {
  return new AuthError({
    code: 'user-token-refused',
    message: `The application may neither get tokens for the app user "${user.name}" nor act as it`,
    hint:
      'In the Developer Console tick "Generate user access tokens" and "Make API calls using the as-user header" ' +
      'under Advanced Features, save, submit under Authorization, and let an administrator authorise the app again.',
    data: { user: user.id },
    cause,
  });
}
