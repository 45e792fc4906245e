/**
 * Extended attributes. A value is told in the encoding that is asked for, and taken in any: `"text"`, `0x` with hexadecimal digits, `0s` with
 * base64, or text as it is. One without bytes is told as null.
 */
import { understudy } from '#proto/understudy.js';
import { operations } from '../../metadata/operations.js';
import { badParameter } from './parameters.js';
import { RemoteException, renaming } from './remote-exception.js';
import type { OperationsByMethod, WebHdfsAnswer, WebHdfsCall } from './web-hdfs-call.js';

const { XattrFlag } = understudy;
const FLAGS = ['CREATE', 'REPLACE'] as const;
const ENCODINGS = {
  TEXT: (value: Buffer) => `"${value.toString('utf8')}"`,
  HEX: (value: Buffer) => `0x${value.toString('hex')}`,
  BASE64: (value: Buffer) => `0s${value.toString('base64')}`,
} as const;
const ENCODING_NAMES = Object.keys(ENCODINGS) as (keyof typeof ENCODINGS)[];

export const xattrOperations: OperationsByMethod = {
  GET: { GETXATTRS: tellXattrs, LISTXATTRS: tellNames },
  PUT: { SETXATTR: setXattr, REMOVEXATTR: removeXattr },
};

async function tellXattrs(call: WebHdfsCall): Promise<string> {
  const { parameters, op } = call;
  const encode = ENCODINGS[encodingOf(parameters.required('encoding', op))];
  const found = await ask(call, parameters.texts('xattr.name').map(plainName));
  const told = found.map(({ name, value }) => ({ name, value: value?.length ? encode(Buffer.from(value)) : null }));
  return JSON.stringify({ XAttrs: told });
}

/** The names are a JSON text within the JSON: so Hadoop has it. */
async function tellNames(call: WebHdfsCall): Promise<string> {
  const found = await ask(call, []);
  return JSON.stringify({ XAttrNames: JSON.stringify(found.map(({ name }) => name)) });
}

async function ask({ calls, path, user, options }: WebHdfsCall, names: string[]): Promise<readonly understudy.Xattr.$Properties[]> {
  const asked = calls.call(operations.getXattrs, { path, user, names }, options);
  return (await renaming({ ENODATA: 'XAttrNotFoundException' }, asked)).xattrs;
}

async function setXattr({ calls, path, user, parameters, op, options }: WebHdfsCall): Promise<WebHdfsAnswer> {
  const name = plainName(parameters.required('xattr.name', op));
  parameters.required('flag', op);
  const flags = parameters.words('flag', FLAGS);
  const flag = flags.size === 2 ? XattrFlag.CREATE_OR_REPLACE : flags.has('CREATE') ? XattrFlag.CREATE : XattrFlag.REPLACE_ONLY;
  const request = { path, caller: { user }, name, value: bytesOf(parameters.text('xattr.value') ?? ''), flag };
  await renaming({ EEXIST: 'IOException', E2BIG: 'HadoopIllegalArgumentException' }, calls.call(operations.setXattr, request, options));
  return undefined;
}

async function removeXattr({ calls, path, user, parameters, op, options }: WebHdfsCall): Promise<WebHdfsAnswer> {
  const name = plainName(parameters.required('xattr.name', op));
  await calls.call(operations.removeXattr, { path, caller: { user }, name }, options);
  return undefined;
}

/** @returns the name with its namespace in lower case. @throws RemoteException: without one. */
function plainName(name: string): string {
  const [, namespace, rest] = /^(user|trusted|security|system|raw)\.(.+)$/is.exec(name) ?? [];
  if (namespace !== undefined) return `${namespace.toLowerCase()}.${rest}`;
  const rule = "An XAttr name must be prefixed with user/trusted/security/system/raw, followed by a '.'";
  throw new RemoteException('HadoopIllegalArgumentException', rule);
}

function encodingOf(text: string): keyof typeof ENCODINGS {
  const encoding = ENCODING_NAMES.find((name) => name === text.toUpperCase());
  if (encoding === undefined) throw badParameter('encoding', `${text} is none of ${ENCODING_NAMES.join(', ')}`);
  return encoding;
}

function bytesOf(text: string): Buffer {
  if (text.length >= 2 && text.startsWith('"') && text.endsWith('"')) return Buffer.from(text.slice(1, -1));
  if (/^0x/i.test(text)) {
    if (!/^0x([0-9a-f]{2})*$/i.test(text)) throw badParameter('xattr.value', `not pairs of hexadecimal digits: ${text}`);
    return Buffer.from(text.slice(2), 'hex');
  }
  if (/^0s/i.test(text)) {
    if (!/^0s[\w+/-]*={0,2}$/i.test(text)) throw badParameter('xattr.value', `not base64: ${text}`);
    return Buffer.from(text.slice(2), 'base64');
  }
  return Buffer.from(text);
}
