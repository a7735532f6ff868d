export { ETLContext, type ETLContextOptions } from './context/etl-context.ts';
export {
  type BatchOrigin,
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  type BatchSource,
} from './core/batch-processor.ts';
export { ClosedLoopBatchProcessor } from './core/closed-loop-batch-processor.ts';
export type { Environment, TaskContext } from './core/context.ts';
export {
  AbortedError,
  ConfigError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorJson,
  type ErrorOptions,
  GraphweftError,
  isAbort,
  SourceError,
  ValidationError,
  WriteError,
} from './core/errors.ts';
export {
  type CellEndEvent,
  type CellPlace,
  type CellStartEvent,
  type EndEvent,
  EVENT_CHANNELS,
  EVENT_KINDS,
  type EventBase,
  type EventKind,
  type EventListeners,
  type EventsByKind,
  type LoadEvent,
  type OutcomeEvent,
  type SinkWriteEvent,
  type SourceReadEvent,
  subscribeToEvents,
  type TaskEndEvent,
  type TaskStartEvent,
  type TransactionEndEvent,
  type ValidationEndEvent,
  type WaveEndEvent,
} from './core/events.ts';
export { ParallelTaskGroup } from './core/parallel-task-group.ts';
export {
  combineReporters,
  type ReportedTask,
  type Reporter,
  SILENT_REPORTER,
  type TaskExpectation,
  type TaskProgress,
} from './core/reporter.ts';
export { mergeStatistics, type Statistics } from './core/statistics.ts';
export { type ExecuteOptions, Task } from './core/task.ts';
export { TaskGroup } from './core/task-group.ts';
export { type TaskFailure, TaskReturn, type TaskReturnFields } from './core/task-return.ts';
export { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from './core/temporal.ts';
export { type CompiledMapping, compileMapping } from './mapping/compile.ts';
export {
  type Computed,
  type Mapping,
  type NodeOptions,
  type NodePattern,
  type NodeWrite,
  node,
  type Properties,
  type RelationshipOptions,
  type RelationshipPattern,
  type RelationshipWrite,
  relationship,
  type ValueSource,
} from './mapping/patterns.ts';
export {
  type Neo4jAddress,
  Neo4jConnection,
  type Neo4jConnectionOptions,
  type Neo4jContext,
  type QueryOptions,
  type QueryResult,
  type WriteOptions,
} from './neo4j/connection.ts';
export {
  type EmbeddedServer,
  type EmbeddedServerOptions,
  embeddedServerStatus,
  startEmbeddedServer,
  stopEmbeddedServer,
} from './neo4j/embedded/embedded-server.ts';
export {
  AdaptiveLimit,
  type AdaptiveLimitOptions,
  type CellOutcome,
  type WriteLimit,
} from './parallel/adaptive-limit.ts';
export type { KeyCounts, KeyRows, PlannedKey, SplitPlan } from './parallel/balanced-buckets.ts';
export type { Cell } from './parallel/cell-backlog.ts';
export {
  type BucketPair,
  type DictIdExtractorOptions,
  dictIdExtractor,
  type IdExtractor,
  keyBucket,
  type NodeKey,
  type PlainKey,
  type TupleIdExtractorOptions,
  tupleIdExtractor,
} from './parallel/id-extractors.ts';
export {
  ParallelBatchProcessor,
  type ParallelBatchProcessorOptions,
} from './parallel/parallel-batch-processor.ts';
export {
  type ScheduleKind,
  SplittingBatchProcessor,
  type SplittingBatchProcessorOptions,
} from './parallel/splitting-batch-processor.ts';
export { type CreateReporterOptions, createReporter } from './reporting/create-reporter.ts';
export { LogReporter, type LogReporterOptions } from './reporting/log-reporter.ts';
export { Neo4jReporter, type Neo4jReporterOptions } from './reporting/neo4j-reporter.ts';
export { TerminalReporter, type TerminalReporterOptions } from './reporting/terminal-reporter.ts';
export type { RowPolicy } from './sinks/batch-writer.ts';
export { CSVBatchSink, type CSVBatchSinkOptions } from './sinks/csv-batch-sink.ts';
export {
  CypherBatchSink,
  type CypherBatchSinkOptions,
  type CypherWriteOptions,
} from './sinks/cypher-batch-sink.ts';
export {
  MappingBatchSink,
  type MappingBatchSinkOptions,
  type MappingWriteOptions,
} from './sinks/mapping-batch-sink.ts';
export {
  ParquetBatchSink,
  type ParquetBatchSinkOptions,
  type ParquetColumnType,
} from './sinks/parquet-batch-sink.ts';
export { type RejectedRow, RejectedRows, type RejectIssue, type RejectStage } from './sinks/rejected-rows.ts';
export { SQLBatchSink, type SQLBatchSinkOptions } from './sinks/sql-batch-sink.ts';
export {
  type MappingCypher,
  type MappingParameter,
  type ToCypherOptions,
  toCypher,
} from './sinks/to-cypher.ts';
export { CSVBatchSource, type CSVBatchSourceOptions } from './sources/csv-batch-source.ts';
export type { CsvEncoding, CsvReadOptions } from './sources/csv-options.ts';
export { CypherBatchSource, type CypherBatchSourceOptions } from './sources/cypher-batch-source.ts';
export type { Row } from './sources/duckdb.ts';
export type { DecimalForm } from './sources/duckdb-values.ts';
export {
  ParquetBatchSource,
  type ParquetBatchSourceOptions,
  type ParquetReadOptions,
} from './sources/parquet-batch-source.ts';
export {
  SQLBatchSource,
  type SQLBatchSourceOptions,
  type SqlPartition,
  type SqlReadOptions,
} from './sources/sql-batch-source.ts';
export type { ParallelMode, WritingChoice, WritingKindName } from './tasks/choose-writing.ts';
export {
  CreateReportingConstraintsTask,
  type CreateReportingConstraintsTaskOptions,
} from './tasks/create-reporting-constraints-task.ts';
export {
  CSVLoad2Neo4jTask,
  type CSVLoad2Neo4jTaskOptions,
  ParallelCSVLoad2Neo4jTask,
  type ParallelCSVLoad2Neo4jTaskOptions,
} from './tasks/csv-load-2-neo4j-task.ts';
export { ExecuteCypherTask, type ExecuteCypherTaskOptions } from './tasks/execute-cypher-task.ts';
export { GDSTask } from './tasks/gds-task.ts';
export type { HubKind } from './tasks/hub-sharing.ts';
export type { LoadPlan } from './tasks/load-kinds.ts';
export type { ConstraintPolicy, FileLoadOptions, LoadOptions } from './tasks/load-options.ts';
export type { ParallelOptions } from './tasks/parallel-writing.ts';
export {
  ParallelParquetLoad2Neo4jTask,
  type ParallelParquetLoad2Neo4jTaskOptions,
  ParquetLoad2Neo4jTask,
  type ParquetLoad2Neo4jTaskOptions,
} from './tasks/parquet-load-2-neo4j-task.ts';
export {
  RejectedRowsRetryTask,
  type RejectedRowsRetryTaskOptions,
} from './tasks/rejected-rows-retry-task.ts';
export {
  ParallelSQLLoad2Neo4jTask,
  type ParallelSQLLoad2Neo4jTaskOptions,
  SQLLoad2Neo4jTask,
  type SQLLoad2Neo4jTaskOptions,
} from './tasks/sql-load-2-neo4j-task.ts';
export {
  type RowSchema,
  ValidationBatchProcessor,
  type ValidationBatchProcessorOptions,
} from './transforms/validation-batch-processor.ts';
