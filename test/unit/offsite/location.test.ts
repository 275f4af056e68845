import {describe, expect, it} from 'vitest';
import {parseS3Location, regionOf, resticUrl} from '../../../src/offsite/s3/location.ts';

const plain = (url: string, endpoint?: string) => {
  const {endpoint: {origin}, bucket, prefix} = parseS3Location(url, endpoint);
  return {origin, bucket, prefix};
};

describe('parseS3Location', () => {
  it.each([
    ['s3:https://s3.example.org/bucket', undefined, {origin: 'https://s3.example.org', bucket: 'bucket', prefix: ''}],
    ['s3:http://127.0.0.1:9000/bucket/a/b', undefined, {origin: 'http://127.0.0.1:9000', bucket: 'bucket', prefix: 'a/b'}],
    ['s3:https://s3.example.org/bucket//a//b/', undefined, {origin: 'https://s3.example.org', bucket: 'bucket', prefix: 'a/b'}],
    ['s3:s3.amazonaws.com/bucket/host one', undefined, {origin: 'https://s3.amazonaws.com', bucket: 'bucket', prefix: 'host one'}],
    ['s3:https://s3.example.org/bucket/a%20b/50%25+ü', undefined, {origin: 'https://s3.example.org', bucket: 'bucket', prefix: 'a b/50%+ü'}],
    ['s3:s3.example.org/bucket/50%25', undefined, {origin: 'https://s3.example.org', bucket: 'bucket', prefix: '50%25'}],
    ['s3://s3.example.org/bucket', undefined, {origin: 'https://s3.example.org', bucket: 'bucket', prefix: ''}],
    ['s3:bucket/prefix', 'http://127.0.0.1:9000', {origin: 'http://127.0.0.1:9000', bucket: 'bucket', prefix: 'prefix'}],
    ['s3:bucket', 'https://s3.example.org/', {origin: 'https://s3.example.org', bucket: 'bucket', prefix: ''}],
    ['s3:s3.other.org/bucket', 'https://s3.example.org', {origin: 'https://s3.other.org', bucket: 'bucket', prefix: ''}],
    ['s3:localhost:9000/bucket', 'https://s3.example.org', {origin: 'https://localhost:9000', bucket: 'bucket', prefix: ''}],
  ])('%s', (url, endpoint, expected) => {
    expect(plain(url, endpoint)).toEqual(expected);
  });

  it.each([
    ['s3:', undefined, 'no host'],
    ['s3:https://s3.example.org', undefined, 'names no bucket'],
    ['s3:https://s3.example.org/b', undefined, 'b is no name of a bucket'],
    ['s3:https://key:secret@s3.example.org/bucket', undefined, 'holds a login'],
    ['s3:https://s3.example.org/bucket/../other', undefined, '. or ..'],
    ['s3:https://s3.example.org/bucket/50%', undefined, 'holds a %'],
    ['s3:bucket', 'https://s3.example.org/path', 'has a path'],
  ])('refuses %s', (url, endpoint, message) => {
    expect(() => plain(url, endpoint)).toThrow(message);
  });

  it('gives restic the same place back', () => {
    expect(resticUrl(parseS3Location('s3:bucket/a', 'http://127.0.0.1:9000'), 'id/epoch')).toBe('s3:http://127.0.0.1:9000/bucket/a/id/epoch');
    expect(resticUrl(parseS3Location('s3:https://h.org/bucket'))).toBe('s3:https://h.org/bucket');
  });

  it('gives restic an awkward prefix so that it means the same to it', () => {
    const location = parseS3Location('s3:bucket/a b/50%/ü+?#', 'http://127.0.0.1:9000');
    expect(resticUrl(location)).toBe('s3:http://127.0.0.1:9000/bucket/a%20b/50%25/%C3%BC+%3F%23');
    expect(parseS3Location(resticUrl(location))).toEqual(location);
  });
});

it.each([
  ['https://s3.eu-central-1.amazonaws.com', 'eu-central-1'],
  ['https://s3.us-west-004.backblazeb2.com', 'us-west-004'],
  ['https://s3.ap-northeast-1.wasabisys.com', 'ap-northeast-1'],
  ['https://0123.r2.cloudflarestorage.com', 'auto'],
  ['https://s3.amazonaws.com', 'us-east-1'],
  ['http://127.0.0.1:9000', 'us-east-1'],
])('%s is in the region %s', (endpoint, region) => {
  expect(regionOf(new URL(endpoint))).toBe(region);
});
