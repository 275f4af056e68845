import {defineConfig} from 'vitest/config';

// Every test file has a stack of its own; three at a time share the engine and two cores, since each of them mostly waits.
const real = {
  globalSetup: ['test/setup/vitest-global.ts'],
  testTimeout: 120_000,
  hookTimeout: 300_000,
  pool: 'forks' as const,
};

export default defineConfig({
  test: {
    maxWorkers: 3,
    reporters: ['default', 'json'],
    outputFile: {json: '.cache/test-report.json'},
    projects: [
      {test: {name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000}},
      {test: {name: 'integration', include: ['test/integration/**/*.test.ts'], ...real}},
      {test: {name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...real}},
    ],
  },
});
