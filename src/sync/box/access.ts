/** In whose name calls are made. */
export interface Access {
  /** A token that is good for a while yet, for this kind of call. Errors: AuthError · TransientError · AbortError. */
  token(signal?: AbortSignal, endpoint?: string): Promise<string>;
  /** Box did not accept this token: do not hand it out again. */
  refuse(token: string): void;
  /** Whose calls these are: an account's id; undefined while it is not known. */
  readonly user?: string | undefined;
  /** Further headers for each call, such as `as-user`. */
  readonly headers: Readonly<Record<string, string>>;
  /** A call of this kind went well with this token. */
  proved?(endpoint: string, token: string): void;
  /** This token's scope does not allow this kind of call. Returns whether another token will be used now. */
  widen?(endpoint: string, token: string): boolean;
}
