/**
 * What a file consists of: where its blocks are, cutting it, joining it to others.
 */
import type { understudy } from '#proto/understudy.js';
import { operations } from '../../metadata/operations.js';
import { RemoteException } from './remote-exception.js';
import { booleanJson, type OperationsByMethod, type WebHdfsAnswer, type WebHdfsCall } from './web-hdfs-call.js';

/** In one answer: a file of more is asked for in parts. */
const BLOCKS_MAX = 100_000;

export const contentOperations: OperationsByMethod = {
  GET: {
    GETFILEBLOCKLOCATIONS: tellBlockLocations,
    GET_BLOCK_LOCATIONS: tellLocatedBlocks,
  },
  POST: { TRUNCATE: truncate, CONCAT: concat },
};

async function tellBlockLocations(call: WebHdfsCall): Promise<string> {
  const { blocks } = await locate(call);
  return JSON.stringify({ BlockLocations: { BlockLocation: blocks.map(blockLocation) } });
}

function blockLocation({ offset, length, workers }: understudy.BlockLocation.$Properties) {
  const names = workers ?? [];
  const hosts = names.map((name) => name.slice(0, name.lastIndexOf(':')));
  const [storageTypes, topologyPaths] = [names.map(() => 'DISK'), names.map((name) => `/default-rack/${name}`)];
  return { cachedHosts: [], corrupt: false, hosts, length, names, offset, storageTypes, topologyPaths };
}

async function tellLocatedBlocks(call: WebHdfsCall): Promise<string> {
  const { blocks, inode } = await locate(call);
  const fileLength = inode?.length ?? 0;
  const { calls, path, user, options } = call;
  const last =
    fileLength === 0 ? [] : (await calls.call(operations.getBlockLocations, { path, user, offset: fileLength - 1 }, options)).blocks;
  const located = (block: understudy.BlockLocation.$Properties) => locatedBlock(block, inode);
  return JSON.stringify({
    LocatedBlocks: {
      fileLength,
      isLastBlockComplete: last.length > 0 && inode?.complete === true,
      isUnderConstruction: inode?.complete !== true,
      lastLocatedBlock: last.map(located)[0] ?? null,
      locatedBlocks: blocks.map(located),
    },
  });
}

/** Of no token. */
const EMPTY_TOKEN = { urlString: 'AAAAAA' };

/** A block is known by its file and its number in that. Without workers there is nobody to ask for it. */
function locatedBlock({ inodeId, index, offset, length }: understudy.BlockLocation.$Properties, inode: Inode) {
  const block = {
    blockId: index ?? 0,
    blockPoolId: String(inodeId ?? 0),
    generationStamp: inode?.generation ?? 0,
    numBytes: length,
  };
  return { block, blockToken: EMPTY_TOKEN, cachedLocations: [], isCorrupt: false, locations: [], startOffset: offset, storageTypes: [] };
}

type Inode = understudy.Inode.$Properties | null | undefined;

/** @returns the blocks that hold what is asked for, all of them. */
async function locate({ calls, path, user, parameters, options }: WebHdfsCall): Promise<{ blocks: Blocks; inode: Inode }> {
  const from = parameters.number('offset') ?? 0;
  const end = from + (parameters.number('length') ?? Number.POSITIVE_INFINITY);
  const blocks: understudy.BlockLocation.$Properties[] = [];
  for (let offset = from; ; ) {
    const length = end === Number.POSITIVE_INFINITY ? null : end - offset;
    const told = await calls.call(operations.getBlockLocations, { path, user, offset, length }, options);
    blocks.push(...told.blocks);
    if (blocks.length > BLOCKS_MAX) throw new RemoteException('IOException', `more than ${BLOCKS_MAX} blocks: ask for a part of the file`);
    const last = told.blocks.at(-1);
    offset = (last?.offset ?? 0) + (last?.length ?? 0);
    if (last === undefined || offset >= Math.min(end, told.inode?.length ?? 0)) return { blocks, inode: told.inode };
  }
}

type Blocks = readonly understudy.BlockLocation.$Properties[];

async function truncate({ calls, path, user, parameters, op, options }: WebHdfsCall): Promise<string> {
  parameters.required('newlength', op);
  const length = parameters.number('newlength') ?? 0;
  await calls.call(operations.truncateFile, { path, length, caller: { user } }, options);
  return booleanJson(true);
}

async function concat({ calls, path, user, parameters, op, options }: WebHdfsCall): Promise<WebHdfsAnswer> {
  const sources = [...parameters.paths('sources', op)];
  await calls.call(operations.concat, { path, sources, caller: { user } }, options);
  return undefined;
}
