declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Box's id of a file or folder: decimal digits; "0" is the root of an account. */
export type RemoteId = Branded<string, 'RemoteId'>;
/** The index's own number of a local file or folder, stable over renames. */
export type LocalId = Branded<number, 'LocalId'>;
/** The name under which a site takes part in a federation. */
export type ParticipantId = Branded<string, 'ParticipantId'>;

export const remoteId = (value: string): RemoteId => value as RemoteId;
export const localId = (value: number): LocalId => value as LocalId;
export const participantId = (value: string): ParticipantId => value as ParticipantId;
