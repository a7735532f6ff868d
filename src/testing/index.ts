/** What tests of your own tasks and processors need; works with any test runner. */
export { arraySource, CollectingSink, FailingSink } from './chain.ts';
export { RecordingReporter } from './recording-reporter.ts';
export { type TestContext, testContext } from './test-context.ts';
export { startTestNeo4j, type TestNeo4j, type TestNeo4jOptions } from './test-neo4j.ts';
