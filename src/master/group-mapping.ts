/**
 * The seam that tells a user's groups: the host's own (src/cli/host-groups.ts), a file's (src/cli/group-file.ts), or those of tests.
 */
export interface GroupMapping {
  /**
   * Calls may overlap. Group names are no part of the journal: masters may differ in what they are told, for a moment.
   *
   * @returns the user's groups, the primary one first; none for a user who is not known.
   * @throws an operating error where it cannot tell.
   */
  groupsOf(user: string): Promise<readonly string[]>;
}

/** Every user is in the group of the same name, and in no other one. */
export const ownNameGroups: GroupMapping = { groupsOf: async (user) => [user] };
