/** Who a caller is, and what it may do. */
import type { Setting } from '../setting.js';
import { boolean, duration, groupMapping, name, path, umask } from '../value-type.js';

export const securitySettings = {
  securityLoginUsername: {
    key: 'security.login.username',
    type: name,
    default: { machine: 'the user who runs the program' },
    help: 'User in whose name a client acts: the owner of what it makes.',
  },
  securityAuthorizationPermissionEnabled: {
    key: 'security.authorization.permission.enabled',
    type: boolean,
    default: 'true',
    inJournal: 'at start',
    help: 'Whether masters check permissions. Without, everybody may do anything.',
  },
  securityAuthorizationPermissionSupergroup: {
    key: 'security.authorization.permission.supergroup',
    type: name,
    default: 'supergroup',
    inJournal: 'at start',
    help: 'Group whose members may do anything, as the user may who runs the masters.',
  },
  securityAuthorizationPermissionUmask: {
    key: 'security.authorization.permission.umask',
    type: umask,
    default: '022',
    perPath: true,
    help: 'Permissions that a client takes from what it makes, unless a mode is named or the directory has a default access control list.',
  },
  securityGroupMappingClass: {
    key: 'security.group.mapping.class',
    type: groupMapping,
    default: 'host',
    help:
      "Who tells a user's groups: the master's host (id), a file (security.group.mapping.file), or nobody (identity: each user is in the group " +
      "of the same name). Alluxio's names of classes are taken for host and identity.",
  },
  securityGroupMappingFile: {
    key: 'security.group.mapping.file',
    type: path,
    help: 'With security.group.mapping.class=file: lines of "user: group1, group2", the primary group first. A change of it is noticed.',
  },
  securityGroupMappingCacheTimeoutMs: {
    key: 'security.group.mapping.cache.timeout',
    type: duration({ min: '0', max: '1day' }),
    default: '1min',
    inJournal: 'at once',
    help: 'How long a master takes the groups of a user for new. Then they are looked up again, the old ones being used meanwhile, for no longer than once more as long.',
  },
} as const satisfies Record<string, Setting>;
