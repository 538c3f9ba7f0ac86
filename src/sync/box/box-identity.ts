/** In whose name the store works. */
export type BoxIdentity =
  | { readonly kind: 'service-account' }
  | {
      readonly kind: 'app-user';
      readonly name: string;
      readonly groupName?: string;
      /** True: only look, create no user and no membership. */
      readonly existingOnly?: boolean;
    };
