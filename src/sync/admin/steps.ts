import type { Person, Remedy, StepId } from './finding.ts';
import { LINKS } from './links.ts';

/**
 * Whose configuration is looked at: the server's, that of a client whose account the app keeps, or that of a client
 * whose app is its own.
 */
export type Side = 'server' | 'client' | 'own-app-client';

/** One step of the set-up: what should hold, and what to do where it does not. */
export interface Step {
  readonly title: string;
  /** Steps without which this one cannot be looked at. */
  readonly needs: readonly StepId[];
  /** Whose configuration it is looked at for. */
  readonly sides: readonly Side[];
  readonly mend: readonly Remedy[];
}

const ALL: readonly Side[] = ['server', 'client', 'own-app-client'];
/** Where one app keeps the accounts of many. */
const KEEPER: readonly Side[] = ['server', 'client'];
const SERVER: readonly Side[] = ['server'];

const DEVELOPER: readonly Person[] = ['developer'];
const ADMINISTRATORS: readonly Person[] = ['administrator', 'co-administrator'];
const YOU: readonly Person[] = ['you'];

/** Box has moved this page several times; all its names are given. */
const APPS_PAGE =
  'Admin Console > Integrations > Platform Apps Manager (older consoles: Apps > Custom Apps Manager) > ' +
  'Server Authentication Apps';
const GROUPS_PAGE = 'Admin Console > Users & Groups > Groups';
const CONSOLE = 'Developer Console > your app > Configuration';

const newKey = (link: string = LINKS.jwtSetup): Remedy => ({
  who: DEVELOPER,
  what:
    `${CONSOLE} > Add and Manage Public Keys > Generate a Public/Private Keypair (two-factor login must be on). ` +
    'A JSON file downloads: name it in box_configuration_path.',
  link,
});

const byHand = (who: readonly Person[], what: string, link: string | null): Remedy => ({ who, what, link });

/** After any change in the Developer Console: Box goes by what was authorised, not by what is ticked. */
const REAUTHORISE: readonly Remedy[] = [
  byHand(DEVELOPER, 'Developer Console > your app > Authorization > Review and Submit.', LINKS.approval),
  byHand(
    ADMINISTRATORS,
    `${APPS_PAGE} > the app's "..." menu > Reauthorize App. Until then the old settings stay in force. ` +
      'Running mounts notice within an hour, or at once when started again.',
    LINKS.approval,
  ),
];

const tick = (what: string, link: string = LINKS.scopes): readonly Remedy[] => [
  byHand(DEVELOPER, `${CONSOLE} > ${what}, then Save Changes.`, link),
  ...REAUTHORISE,
];

const CREATE_GROUP = byHand(
  ADMINISTRATORS,
  `${GROUPS_PAGE} > Create, with exactly the name in group_name; "Admins Only" suffices. ` +
    'Or let "mila-sync setup" create it.',
  LINKS.groups,
);

/** What each step asks for, and how it is mended. The order is that of STEP_IDS. */
export const STEPS: Readonly<Record<StepId, Step>> = {
  'key-file': {
    title: "The app's key file is here and readable",
    needs: [],
    sides: ALL,
    mend: [newKey()],
  },
  passphrase: {
    title: 'The passphrase opens the private key',
    needs: ['key-file'],
    sides: ALL,
    mend: [newKey()],
  },
  reach: {
    title: 'Box can be reached from this machine',
    needs: ['passphrase'],
    sides: ALL,
    mend: [
      byHand(
        YOU,
        'Let this machine make https connections to api.box.com, upload.box.com, dl.boxcloud.com and ' +
          '*.realtime.services.box.net. Behind a proxy, set HTTPS_PROXY; if the proxy opens https, name its ' +
          'certificate in NODE_EXTRA_CA_CERTS.',
        null,
      ),
    ],
  },
  clock: {
    title: "This machine's clock agrees with Box's",
    needs: ['reach'],
    sides: ALL,
    mend: [byHand(YOU, 'Set the clock; on Linux: sudo timedatectl set-ntp true', null)],
  },
  app: {
    title: 'Box knows the app of the key file',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(
        DEVELOPER,
        `${CONSOLE} > OAuth 2.0 Credentials: compare Client ID and Client Secret with the key file. If the secret ` +
          'was reset or the app deleted, download a new key file.',
        LINKS.jwtSetup,
      ),
    ],
  },
  'app-kind': {
    title: 'The app logs in with a key (Server Authentication)',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(
        DEVELOPER,
        'Developer Console > Create New App > Custom App > Server Authentication (with JWT). The kind of an app ' +
          'cannot be changed later, so this is a new app with a new key file.',
        LINKS.wrongGrant,
      ),
    ],
  },
  'key-pair': {
    title: 'Box knows the key pair of the key file',
    needs: ['reach'],
    sides: ALL,
    mend: [newKey()],
  },
  'enterprise-id': {
    title: "The key file's enterprise is the app's",
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(
        DEVELOPER,
        'Developer Console > your app > General Settings shows the Enterprise ID: it must be the enterpriseID in ' +
          'the key file. 0 stands for an account without an enterprise, which cannot use such an app.',
        LINKS.jwtSetup,
      ),
    ],
  },
  authorised: {
    title: 'An administrator has authorised the app',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(DEVELOPER, 'Developer Console > your app > Authorization > Review and Submit.', LINKS.approval),
      byHand(ADMINISTRATORS, `${APPS_PAGE} > the app > View > Authorize.`, LINKS.managingApps),
    ],
  },
  login: {
    title: 'Box lets the app log in',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(DEVELOPER, 'Look the message up in the list of errors that Box keeps.', LINKS.commonErrors),
    ],
  },
  enabled: {
    title: 'The app is enabled in the enterprise',
    needs: ['login'],
    sides: ALL,
    mend: [
      byHand(
        ADMINISTRATORS,
        `${APPS_PAGE} > the app > View > Enable. Needed where the setting "Disable unpublished apps by default" is on.`,
        LINKS.notEnabled,
      ),
    ],
  },
  'read-scope': {
    title: 'The app may read files and folders',
    needs: ['enabled'],
    sides: ALL,
    mend: tick('Application Scopes: tick "Read all files and folders stored in Box"'),
  },
  'write-scope': {
    title: 'The app may write files and folders',
    needs: ['read-scope'],
    sides: ALL,
    mend: tick(
      'Application Scopes: tick "Write all files and folders stored in Box" (and have Box take away "Manage Global ' +
        'Content", if the app has it: with that, an app writes nothing in its own name)',
    ),
  },
  'users-scope': {
    title: 'The app may manage users',
    needs: ['enabled'],
    sides: KEEPER,
    mend: tick('Application Scopes: tick "Manage users"'),
  },
  'groups-scope': {
    title: 'The app may manage groups',
    needs: ['enabled'],
    sides: KEEPER,
    mend: tick('Application Scopes: tick "Manage groups"'),
  },
  'user-tokens': {
    title: 'The app may log in for its users',
    needs: ['participants'],
    sides: KEEPER,
    mend: tick('Advanced Features: tick "Generate user access tokens"', LINKS.userTokens),
  },
  'as-user': {
    title: 'The app may act in the name of its users',
    needs: ['participants'],
    sides: KEEPER,
    mend: tick('Advanced Features: tick "Make API calls using the as-user header"', LINKS.asUser),
  },
  'access-level': {
    title: 'The app sees the users and groups that take part',
    needs: ['users-scope', 'groups-scope'],
    sides: KEEPER,
    mend: tick('App Access Level: choose "App + Enterprise Access"', LINKS.jwtSetup),
  },
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
};
