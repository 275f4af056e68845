import {expect, test} from 'vitest';
import {resolveHostPath} from '../../../src/sources/files/host-path.ts';

// What compose 2.26.1 made of each as the source of a bind mount (`docker compose config`), the project being in /srv/app and the user's home in /root.
test.each([
  ['./uploads', '/srv/app/uploads'],
  ['../x', '/srv/x'],
  ['.', '/srv/app'],
  ['./a/../b', '/srv/app/b'],
  ['./up loads', '/srv/app/up loads'],
  ['~', '/root'],
  ['~/up', '/root/up'],
  ['~root/x', '/root/root/x'],
])('%s is the directory %s', (path, directory) => {
  expect(resolveHostPath(path, '/srv/app', '/root')).toBe(directory);
});
