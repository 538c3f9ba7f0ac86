import { type RemoteId, remoteId } from '../../ids.ts';
import type { Account, Collaboration, Enterprise, FolderFacts, Group, GroupRole } from './enterprise.ts';
import { LINKS } from './links.ts';
import { namesakes } from './namesakes.ts';
import { roleProblem } from './roles.ts';
import { type SetupAction, SetupWorks } from './setup-works.ts';

export interface SetupOptions {
  readonly enterprise: Enterprise;
  readonly groupName: string;
  readonly sharedFolder: string;
  readonly participants: readonly string[];
  /** What the group is to be in a folder that it is not invited to yet. */
  readonly role: GroupRole;
  /** Only tell what would be made. */
  readonly dryRun: boolean;
  readonly onAction: (action: SetupAction) => void;
}

const ROOT = remoteId('0');
const ROLE_NAMES: Readonly<Record<GroupRole, string>> = {
  editor: 'Editor',
  'viewer uploader': 'Viewer Uploader',
};
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
    const shared = `group "${groupName}" as ${ROLE_NAMES[this.#options.role]} of the folder "${sharedFolder}"`;
    const invitations = group === undefined ? [] : await this.#enterprise.invitationsOf(group.id);
    const invitation = invitations.find(({ folder }) => folder?.name === sharedFolder);
    if (await this.#tellNamesakes(invitations)) return;
    const others = invitations
      .flatMap(({ folder }) => folder?.name ?? [])
      .filter((name) => name !== sharedFolder);
    if (invitation !== undefined) {
      this.#works.tell('folder', 'exists', `folder "${sharedFolder}"`);
      this.#existing(invitation.role);
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

  /** Several folders of the name: which of them is meant is for people to say. Returns whether there are. */
  async #tellNamesakes(invitations: readonly Collaboration[]): Promise<boolean> {
    const { sharedFolder } = this.#options;
    const desk = this.#enterprise.service;
    const invited = invitations.flatMap(({ folder }) => (folder?.name === sharedFolder ? folder.id : []));
    const seen = namesakes(sharedFolder, (await desk.entries(ROOT)) ?? []);
    const ids = new Set([...invited, ...seen.map(({ id }) => id)]);
    if (ids.size < 2) return false;
    const told: string[] = [];
    for (const id of ids) {
      const owner = (await desk.folder(remoteId(id)))?.owner;
      told.push(owner ? `${id}, owned by "${owner.name}"` : id);
    }
    const text = `folder "${sharedFolder}": ${ids.size} have this name (${told.join('; ')})`;
    this.#works.tell('folder', 'by-hand', text, {
      how: 'Rename all but one of them in Box, or take the invitation to the others back; then run this again.',
      link: LINKS.collaborations,
    });
    return true;
  }

  /** The folder as the app's own account sees it. */
  async #ownFolder(): Promise<FolderFacts | undefined> {
    const desk = this.#enterprise.service;
    const [entry] = namesakes(this.#options.sharedFolder, (await desk.entries(ROOT)) ?? []);
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
    const [why, where] = isOwn
      ? ['the folder holds something already', "Admin Console > Content > the app's own account > the folder"]
      : [`the folder belongs to "${folder.owner?.name ?? 'somebody else'}"`, 'Its owner, in Box: the folder'];
    this.#works.tell('invitation', 'by-hand', `${shared}: not done, because ${why}`, {
      how: `${where} > Sharing settings > invite the group "${this.#options.groupName}".`,
      link: LINKS.collaborations,
    });
  }

  async #invite(shared: string, folderId: RemoteId | undefined, group: Group | undefined): Promise<void> {
    const { groupName, role } = this.#options;
    await this.#works.make('invitation', shared, {
      how: `In Box, open the folder > Sharing settings > invite the group "${groupName}".`,
      link: LINKS.collaborations,
      work:
        folderId === undefined || group === undefined
          ? undefined
          : () => this.#enterprise.invite(folderId, group.id, role),
    });
  }

  /** No role is changed, be it too weak or stronger than asked for. */
  #existing(role: string): void {
    const { groupName, sharedFolder } = this.#options;
    const text = `group "${groupName}" as "${role}" of the folder "${sharedFolder}"`;
    const problem = roleProblem(role, 'client');
    if (problem === undefined) this.#works.tell('invitation', 'exists', text);
    else {
      this.#works.tell('invitation', 'by-hand', `${text}: ${problem}`, {
        how: 'This program changes no role. In Box, open the folder > Sharing settings > Manage Collaborators.',
        link: LINKS.roles,
      });
    }
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
