/**
 * Clients in Python on masters: `hdfs`, which is given several addresses, and `fsspec`, which knows one. Each script asserts for itself, in one
 * process, and says `done` where all of it held.
 */
import { expect } from 'vitest';
import { closedWithTest } from '../../servers/closed-with-test.js';
import { runPython } from '../../servers/python-clients.js';
import { testWithPython } from '../../servers/tests-with-clients.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ServedWebHdfs } from './served-web-hdfs.js';

/** @returns the ports of three masters, of which the second leads. */
async function threeMasters(): Promise<{ hdfs: ServedWebHdfs; ports: readonly number[] }> {
  const hdfs = await ServedWebHdfs.open(['a', 'b', 'c']);
  closedWithTest({ close: () => hdfs[Symbol.asyncDispose]() });
  const [a, b, c] = hdfs.namespace.cluster.masters;
  const ports: number[] = [];
  for (const master of [b, a, c]) ports.push((await hdfs.serve(master ?? null)).port);
  await waitUntil(
    'a standby says where the leader is',
    async () => (await hdfs.ask('GET /?op=GETFILESTATUS', 1)).exception === 'StandbyException',
  );
  return { hdfs, ports };
}

const HDFS = `
import sys
from hdfs import InsecureClient, HdfsError
urls = ';'.join('http://127.0.0.1:' + port for port in sys.argv[1:])
client = InsecureClient(urls, user='o')
NAMES = ['plain', 'é', '日本', '😀', 'a b', 'a+b', 'a%b', '%41', 'a=b', 'a&b', 'a;b', 'a?b', 'a#b', '"', "'", '[', '*', '~', '\\u00a0']
for name in NAMES:
    client.makedirs('/n/' + name, permission='750')
assert sorted(client.list('/n')) == sorted(NAMES), client.list('/n')
for name in NAMES:
    status = client.status('/n/' + name)
    assert status['type'] == 'DIRECTORY' and status['permission'] == '750' and status['owner'] == 'o', status
client.rename('/n/é', '/n/ü')
assert client.status('/n/é', strict=False) is None
client.set_permission('/n/ü', '700')
client.set_owner('/n/ü', owner='alice', group='staff')
assert (client.status('/n/ü')['owner'], client.status('/n/ü')['group']) == ('alice', 'staff')
client.set_times('/n/ü', modification_time=1577934245000)
assert client.status('/n/ü')['modificationTime'] == 1577934245000
client.set_acl('/n/ü', 'user:bob:rwx', clear=False)
assert 'user:bob:rwx' in client.acl_status('/n/ü')['entries']
client.remove_acl('/n/ü')
assert client.set_replication('/files/f', 2) is True or client.status('/files/f')['replication'] == 2
assert client.content('/files')['length'] == 10
assert [path for path, _, _ in client.walk('/files')] == ['/files']
for refused in (
    lambda: client.status('/none'),
    lambda: client.rename('/none', '/other'),
    lambda: client.delete('/n'),
    lambda: client.checksum('/files/f'),
    lambda: client.write('/w', data=b'abc'),
    lambda: client.write('/files/f', data=b'abc', append=True),
):
    try:
        refused()
    except HdfsError as error:
        print('refused', error)
    else:
        raise AssertionError('not refused')
try:
    with client.read('/files/f') as reader:
        reader.read()
except HdfsError as error:
    assert 'needs a worker' in str(error), error
else:
    raise AssertionError('read without workers')
assert client.delete('/n', recursive=True) is True
assert client.delete('/n', recursive=True) is False
print('done')
`;

const FSSPEC = `
import sys
from fsspec.implementations.webhdfs import WebHDFS
fs = WebHDFS('127.0.0.1', port=int(sys.argv[1]), user='o', skip_instance_cache=True)
NAMES = ['plain', 'é', '日本', 'a b', 'a+b', 'a%b', 'a=b', 'a&b', "'"]
for name in NAMES:
    fs.mkdir('/n/' + name)
    assert fs.exists('/n/' + name) and fs.isdir('/n/' + name), name
assert sorted(path.rsplit('/', 1)[1] for path in fs.ls('/n', detail=False)) == sorted(NAMES)
assert fs.info('/files/f')['size'] == 10 and fs.info('/files/f')['type'] == 'file'
fs.makedirs('/n/deep/er')
fs.mv('/n/é', '/n/ü')
assert fs.exists('/n/ü') and not fs.exists('/n/é')
fs.chmod('/n/ü', 700)
fs.chown('/n/ü', owner='alice')
assert fs.info('/n/ü')['permission'] == '700' and fs.info('/n/ü')['owner'] == 'alice'
assert fs.content_summary('/files')['length'] == 10
assert fs.home_directory() == '/user/o'
assert sorted(fs.find('/files')) == ['/files/f']
try:
    fs.info('/none')
except FileNotFoundError:
    pass
try:
    fs.cat('/files/f')
except RuntimeError as error:
    assert 'needs a worker' in str(error), error
else:
    raise AssertionError('read without workers')
try:
    fs.rm('/n')
except RuntimeError as error:
    assert 'not empty' in str(error).lower(), error
else:
    raise AssertionError('removed what is not empty')
fs.rm('/n', recursive=True)
assert not fs.exists('/n')
standby = WebHDFS('127.0.0.1', port=int(sys.argv[2]), user='o', skip_instance_cache=True)
try:
    standby.ls('/')
except RuntimeError as error:
    assert 'does not lead' in str(error), error
else:
    raise AssertionError('a standby has answered')
print('done')
`;

testWithPython('hdfs: finds the leader among several addresses, and does all that needs no data', async () => {
  const { hdfs, ports } = await threeMasters();
  await hdfs.namespace.client().createFile('/files/f', { recursive: true, completeLength: 10 });
  const told = await runPython(['-c', HDFS, ...ports.map(String)]);
  expect(told).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/done\n$/) });
  expect(told.out.match(/refused/g)).toHaveLength(6);
  expect(told.out.match(/needs a worker/g)).toHaveLength(3);
});

testWithPython('fsspec: does all that needs no data, and says that a standby is one', async () => {
  const { hdfs, ports } = await threeMasters();
  await hdfs.namespace.client().createFile('/files/f', { recursive: true, completeLength: 10 });
  const told = await runPython(['-c', FSSPEC, String(ports[1]), String(ports[0])]);
  expect(told).toEqual({ code: 0, err: '', out: 'done\n' });
});
