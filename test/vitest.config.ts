import {defineConfig} from 'vitest/config';

// Two cores and one Docker engine: the projects with real parts run one file at a time.
const real = {
  globalSetup: ['test/setup/vitest-global.ts'],
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 300_000,
  pool: 'forks' as const,
};

export default defineConfig({
  test: {
    reporters: ['default', 'json'],
    outputFile: {json: '.cache/test-report.json'},
    projects: [
      {test: {name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000}},
      {test: {name: 'integration', include: ['test/integration/**/*.test.ts'], ...real}},
      {test: {name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...real}},
    ],
  },
});
