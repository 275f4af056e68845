import {expect, it} from 'vitest';
import {stateIfUnwell} from '../../../src/operations/app.ts';

it.each<[string, string, string | undefined, string | undefined]>([
  ['healthy', 'running', 'healthy', undefined],
  ['without a health check', 'running', undefined, undefined],
  ['with the health check of its image turned off', 'running', 'none', undefined],
  ['unhealthy', 'running', 'unhealthy', 'unhealthy'],
  ['not healthy yet', 'running', 'starting', 'starting'],
  ['in a circle of restarts', 'restarting', undefined, 'restarting'],
  ['stopped', 'exited', 'unhealthy', undefined],
])('a container is known to be well or not before it is stopped: %s', (_, state, health, expected) => {
  expect(stateIfUnwell({state, health})).toBe(expected);
});
