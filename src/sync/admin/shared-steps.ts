import type { Person } from './finding.ts';
import { LINKS } from './links.ts';
import { ADMINISTRATORS, ALL, byHand, KEEPER, SERVER, type Step } from './step.ts';

const GROUPS_PAGE = 'Admin Console > Users & Groups > Groups';

const YOU: readonly Person[] = ['you'];

const CREATE_GROUP = byHand(
  ADMINISTRATORS,
  `${GROUPS_PAGE} > Create, with exactly the name in group_name; "Admins Only" suffices. ` +
    'Or let "mila-sync setup" create it.',
  LINKS.groups,
);

/** The group, who is in it, the folder that they share, and what the plan allows. */
export const SHARED_STEPS = {
  group: {
    title: 'The group exists',
    needs: ['access-level'],
    sides: KEEPER,
    mend: [CREATE_GROUP],
  },
  'service-account': {
    title: "The app's own account is in the group",
    needs: ['group'],
    sides: SERVER,
    mend: [
      byHand(
        ADMINISTRATORS,
        `${GROUPS_PAGE} > the group > Members: find the app by its name and add it. Or let "mila-sync setup" add it.`,
        LINKS.userTypes,
      ),
    ],
  },
  participants: {
    title: 'Participants have their accounts, in the group',
    needs: ['enabled', 'group'],
    sides: ALL,
    mend: [
      byHand(
        YOU,
        'Nothing, if the app may manage users and groups: the account is made, and joins the group, when ' +
          '"mila-sync mount" is first started with the participant\'s file. Or let "mila-sync setup" do it now.',
        LINKS.userTypes,
      ),
    ],
  },
  'shared-folder': {
    title: 'The shared folder is there, once',
    needs: ['read-scope', 'service-account', 'participants'],
    sides: ALL,
    mend: [
      byHand(
        ['folder-owner', 'administrator'],
        'In Box, in the account of somebody of the enterprise: create the folder with exactly the name in ' +
          'shared_dir_name, open its Sharing settings and invite the group as Editor. Or let "mila-sync setup" do it.',
        LINKS.collaborations,
      ),
    ],
  },
  'folder-owner': {
    title: 'The shared folder belongs to the enterprise',
    needs: ['shared-folder'],
    sides: SERVER,
    mend: [
      byHand(
        ['folder-owner', 'administrator'],
        'Share a folder that somebody of the enterprise owns; or let its owner hand this one over: Sharing settings > ' +
          'Manage Collaborators > the new owner > Owner.',
        LINKS.roles,
      ),
    ],
  },
  storage: {
    title: "There is room in the folder owner's storage",
    needs: ['shared-folder'],
    sides: SERVER,
    mend: [
      byHand(['folder-owner'], 'Delete what is not needed any more, and empty the trash.', null),
      byHand(
        ADMINISTRATORS,
        'Admin Console > Users & Groups > the owner > Storage: raise it. For a folder of the app itself, let the ' +
          "app's developer ask for more by API (space_amount).",
        LINKS.userTypes,
      ),
    ],
  },
  'folder-role': {
    title: 'The group may write in the shared folder',
    needs: ['shared-folder'],
    sides: ALL,
    mend: [
      byHand(
        ['folder-owner', 'administrator'],
        "In Box, open the folder > Sharing settings > Manage Collaborators: set the group's role to Editor.",
        LINKS.roles,
      ),
    ],
  },
  'save-path': {
    title: 'The folder of the runs can be written',
    needs: ['folder-role', 'write-scope', 'storage'],
    sides: ALL,
    mend: [
      byHand(
        ['you', 'folder-owner'],
        'Choose another save_path, or rename in Box what stands in its way.',
        null,
      ),
    ],
  },
  'wake-up': {
    title: 'Box can wake mounts on this machine',
    needs: ['enabled'],
    sides: ALL,
    mend: [
      byHand(
        YOU,
        'Let this machine make https connections to *.realtime.services.box.net, too: whichever of these servers Box ' +
          'names, beside api.box.com, upload.box.com and dl.boxcloud.com. A proxy must let a request wait for ten minutes.',
        null,
      ),
    ],
  },
  'upload-size': {
    title: 'The plan takes files of the size of a model',
    needs: ['enabled'],
    sides: ALL,
    mend: [byHand(ADMINISTRATORS, 'Ask Box for a plan with a larger file size.', LINKS.uploads)],
  },
  'api-calls': {
    title: 'API calls are left in the plan',
    needs: [],
    sides: SERVER,
    mend: [],
  },
  'key-reach': {
    title: 'The key file opens no more than it has to',
    needs: ['enabled'],
    sides: ALL,
    mend: [],
  },
} as const satisfies Readonly<Record<string, Step>>;
