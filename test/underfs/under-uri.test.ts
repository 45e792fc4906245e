import { expect, test } from 'vitest';
import { canonicalUri, containsUri, parseUnderUri } from '../../src/underfs/under-uri.js';
import { errorOf } from '../contract/journal-contract.js';

test.each([
  ['/', '/'],
  ['/data', '/data'],
  ['//data/./x//', '/data/x'],
  ['file:///data/', '/data'],
  ['FILE:///data', '/data'],
  ['s3://bucket', 's3://bucket'],
  ['s3a://bucket/a//b/', 's3://bucket/a/b'],
  ['S3N://bucket/', 's3://bucket'],
])('uri: %s, is the place %s', (text, canonical) => {
  expect(canonicalUri(parseUnderUri(text))).toBe(canonical);
  expect(canonicalUri(parseUnderUri(canonical))).toBe(canonical);
});

test.each([
  '',
  'data',
  './data',
  'file://host/data',
  'file:data',
  '/a/../b',
  's3://',
  's3:///a',
  's3://-b/',
  's3://bucket/../x',
  'hdfs://h/p',
])('uri: %s, is refused', async (text) => {
  expect(await errorOf(Promise.resolve().then(() => parseUnderUri(text)))).toMatchObject({ code: 'invalid_argument' });
});

test('uri: one place contains another, by whole components', () => {
  expect(containsUri('/a', '/a')).toBe(true);
  expect(containsUri('/a', '/a/b')).toBe(true);
  expect(containsUri('/', '/a')).toBe(true);
  expect(containsUri('/a', '/ab')).toBe(false);
  expect(containsUri('/a/b', '/a')).toBe(false);
  expect(containsUri('s3://b', 's3://b/x')).toBe(true);
  expect(containsUri('s3://b', 's3://bb/x')).toBe(false);
  expect(containsUri('/', 's3://b')).toBe(false);
});
