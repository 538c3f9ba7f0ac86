import { type RemoteId, remoteId } from '../../ids.ts';
import { foldName } from '../tree/name-rules.ts';
import type { Account, Enterprise, FolderFacts, Group } from './enterprise.ts';
import { LINKS } from './links.ts';
import { type SetupAction, SetupWorks } from './setup-works.ts';

export interface SetupOptions {
  readonly enterprise: Enterprise;
  readonly groupName: string;
  readonly sharedFolder: string;
  readonly participants: readonly string[];
  /** Only tell what would be made. */
  readonly dryRun: boolean;
  readonly onAction: (action: SetupAction) => void;
}

const ROOT = remoteId('0');
const GROUPS_PAGE = 'Admin Console > Users & Groups > Groups';

/**
 * Makes what a federation needs in Box and is not there.
 *
 * Guarantees: what exists is left as it is: no role is raised, no folder with content is shared, no account of a person
 * joins a group; what that leaves to do is told. Running it again makes nothing twice.
 */
export class Setup {
  readonly #options: SetupOptions;
  readonly #enterprise: Enterprise;
  readonly #works: SetupWorks;

  constructor(options: SetupOptions) {
    this.#options = options;
    this.#enterprise = options.enterprise;
    this.#works = new SetupWorks(options);
  }

  /** Errors: AuthError · TransientError · AbortError; what was made until then stays, and is found the next time. */
  async run(): Promise<void> {
    const service = await this.#enterprise.service.me();
    const group = await this.#group();
    const members = group === undefined ? [] : await this.#enterprise.members(group.id);
    const isMember = (id: string) => members.some((member) => member.id === id);
    await this.#member('service-account', { account: service, group, isMember: isMember(service.id) });
    await this.#folder(service, group);
    for (const name of this.#options.participants) await this.#participant(name, group, isMember);
  }

  async #group(): Promise<Group | undefined> {
    const { groupName } = this.#options;
    const found = (await this.#enterprise.groups(groupName)).find(({ name }) => name === groupName);
    if (found !== undefined) {
      this.#works.tell('group', 'exists', `group "${groupName}"`);
      return found;
    }
    const how =
      `${GROUPS_PAGE} > Create. If a group of this name exists already, the app does not see it: it needs App + ` +
      'Enterprise access.';
    return await this.#works.make('group', `group "${groupName}"`, {
      how,
      link: LINKS.groups,
      work: () => this.#enterprise.createGroup(groupName),
    });
  }

  async #member(
    part: 'service-account' | 'membership',
    given: {
      readonly account: Account | undefined;
      readonly group: Group | undefined;
      readonly isMember: boolean;
      readonly name?: string;
    },
  ): Promise<void> {
    const { account, group, isMember } = given;
    const name = account?.name ?? given.name ?? '';
    const whose = part === 'service-account' ? `the app's own account "${name}"` : `"${name}"`;
    const text = `${whose} in the group "${this.#options.groupName}"`;
    if (isMember) this.#works.tell(part, 'exists', text);
    else {
      await this.#works.make(part, text, {
        how: `${GROUPS_PAGE} > "${this.#options.groupName}" > Members: add "${name}".`,
        link: LINKS.groups,
        // Without group or account there is nothing to join: only on a dry run, or when making them was refused.
        work:
          account === undefined || group === undefined
            ? undefined
            : () => this.#enterprise.addMember(group.id, account.id),
      });
    }
  }

  async #folder(service: Account, group: Group | undefined): Promise<void> {
    const { sharedFolder, groupName } = this.#options;
    const shared = `group "${groupName}" as Editor of the folder "${sharedFolder}"`;
    const invitations = group === undefined ? [] : await this.#enterprise.invitationsOf(group.id);
    const invitation = invitations.find(({ folder }) => folder?.name === sharedFolder);
    const others = invitations
      .flatMap(({ folder }) => folder?.name ?? [])
      .filter((name) => name !== sharedFolder);
    if (invitation !== undefined) {
      this.#works.tell('folder', 'exists', `folder "${sharedFolder}"`);
      if (invitation.role === 'editor' || invitation.role === 'co-owner')
        this.#works.tell('invitation', 'exists', shared);
      else this.#leaveRole(invitation.role);
      return;
    }
    const found = await this.#ownFolder();
    if (found !== undefined) {
      this.#works.tell('folder', 'exists', `folder "${sharedFolder}"`);
      await this.#inviteToExisting(found, { service, group, shared });
      return;
    }
    const note =
      others.length > 0 ? ` (the group is invited to ${others.map((each) => `"${each}"`).join(', ')})` : '';
    const folder = await this.#works.make(
      'folder',
      `folder "${sharedFolder}", owned by the app's own account${note}`,
      {
        how: 'Create it in Box, in the account of somebody of the enterprise.',
        link: LINKS.collaborations,
        work: () => this.#enterprise.service.createFolder(ROOT, sharedFolder),
      },
    );
    await this.#invite(shared, folder?.id, group);
  }

  /** The folder as the app's own account sees it. */
  async #ownFolder(): Promise<FolderFacts | undefined> {
    const desk = this.#enterprise.service;
    const wanted = foldName(this.#options.sharedFolder);
    const entry = ((await desk.entries(ROOT)) ?? []).find(
      ({ kind, name }) => kind === 'folder' && foldName(name) === wanted,
    );
    return entry === undefined ? undefined : desk.folder(entry.id);
  }

  /** Sharing a folder that holds something, or is somebody else's, is for its owner to decide. */
  async #inviteToExisting(
    folder: FolderFacts,
    given: { readonly service: Account; readonly group: Group | undefined; readonly shared: string },
  ): Promise<void> {
    const { service, group, shared } = given;
    const isOwn = folder.owner?.id === service.id;
    const isEmpty = isOwn && (await this.#enterprise.service.entries(folder.id))?.length === 0;
    if (isEmpty) return this.#invite(shared, folder.id, group);
    const why = isOwn
      ? 'the folder holds something already'
      : `the folder belongs to "${folder.owner?.name ?? 'somebody else'}"`;
    this.#works.tell('invitation', 'by-hand', `${shared}: not done, because ${why}`, {
      how: `In Box, open the folder > Sharing settings > invite the group "${this.#options.groupName}" as Editor.`,
      link: LINKS.collaborations,
    });
  }

  async #invite(shared: string, folderId: RemoteId | undefined, group: Group | undefined): Promise<void> {
    await this.#works.make('invitation', shared, {
      how: `In Box, open the folder > Sharing settings > invite the group "${this.#options.groupName}" as Editor.`,
      link: LINKS.collaborations,
      work:
        folderId === undefined || group === undefined
          ? undefined
          : () => this.#enterprise.invite(folderId, group.id),
    });
  }

  #leaveRole(role: string): void {
    const { groupName, sharedFolder } = this.#options;
    this.#works.tell(
      'invitation',
      'by-hand',
      `group "${groupName}" is "${role}" of the folder "${sharedFolder}"`,
      {
        how:
          'This program raises no role. If Editor is meant: in Box, open the folder > Sharing settings > Manage ' +
          'Collaborators.',
        link: LINKS.roles,
      },
    );
  }

  async #participant(
    name: string,
    group: Group | undefined,
    isMember: (id: string) => boolean,
  ): Promise<void> {
    const users = (await this.#enterprise.users(name)).filter((user) => user.name === name);
    const own = users.find(({ kind }) => kind === 'app-user');
    const person = users.find(({ kind }) => kind === 'person');
    if (own === undefined && person !== undefined) {
      this.#works.tell('participant', 'exists', `account "${name}" (${person.login}, a person's)`);
      if (isMember(person.id)) this.#works.tell('membership', 'exists', `"${name}" in the group`);
      else {
        this.#works.tell(
          'membership',
          'by-hand',
          `"${name}" is a person's account, which this program puts into no group`,
          {
            how: `${GROUPS_PAGE} > "${this.#options.groupName}" > Members: add ${person.login}.`,
            link: LINKS.groups,
          },
        );
      }
      return;
    }
    const account = own ?? (await this.#newParticipant(name));
    if (own !== undefined) this.#works.tell('participant', 'exists', `account "${name}"`);
    await this.#member('membership', {
      account,
      group,
      isMember: account !== undefined && isMember(account.id),
      name,
    });
  }

  #newParticipant(name: string): Promise<Account | undefined> {
    return this.#works.make('participant', `account "${name}", for this app only`, {
      how: 'The account is made when "mila-sync mount" is first started with the participant\'s file.',
      link: LINKS.userTypes,
      work: () => this.#enterprise.createAppUser(name),
    });
  }
}
