/** Who calls, in runs of the reference model beside the program. */
import type { Identity } from '../../src/metadata/access.js';
import type { Who } from './access.js';

const USERS: Readonly<Record<string, Who>> = {
  root: { user: 'root', group: 'wheel', groups: ['wheel'], isSuperuser: true },
  alice: { user: 'alice', group: 'staff', groups: ['staff', 'users'], isSuperuser: false },
  bob: { user: 'bob', group: 'users', groups: ['users'], isSuperuser: false },
  carol: { user: 'carol', group: 'guests', groups: ['guests', 'staff'], isSuperuser: false },
};

export const USER_NAMES = Object.keys(USERS);

export function whoIs(user: string): Who {
  const who = USERS[user];
  if (who === undefined) throw new Error(`nobody is called ${user}`);
  return who;
}

/** As the program knows them. */
export function identityOf({ groups, ...who }: Who): Identity {
  return { ...who, groups: new Set(groups) };
}
