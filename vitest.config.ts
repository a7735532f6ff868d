import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts'],
          // The longest takes 3 s alone, and more than the default of 5 where others work beside it.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'server',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/neo4j-server.ts', 'test/support/sql-servers.ts'],
          // One file after the other: two cores are shared by the server, the client and the load under test.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
