/**
 * Where a hub's rows may be written side by side.
 *
 * Measured (`npm run bench -- locks --claims`) on Neo4j 5.26, at any number of relationships that the node had before: a
 * transaction that CREATEs a relationship between nodes that are there makes no other wait while it is open, and one
 * that MERGEs a relationship or SETs a property of the node makes every other wait. CREATE takes shared locks (degrees,
 * deletion of groups); what it needs in exclusive mode (node, relationship group, links of the chain) it takes in its
 * commit, and those pass a gate, one at a time, as long as nodes with few relationships are among them. So nobody who holds
 * an exclusive lock ever waits for another's, and there is nothing to deadlock on. Once they are dense, nodes and groups are
 * locked in the order of their ids, and links only where they can be had at once. (A commit of more than a second opens the gate
 * to the next one; should those two deadlock, the loser is tried again, as with any cells.)
 */
import { ConfigError } from '../core/errors.ts';
import { choiceOption } from '../core/options.ts';
import type { CompiledMapping } from '../mapping/compile.ts';
import type { ScheduleKind } from '../parallel/splitting-batch-processor.ts';

export const HUB_KINDS = ['share', 'claim'] as const;
/** `share`: hubs claim no bucket; `claim`: every key claims its own. */
export type HubKind = (typeof HUB_KINDS)[number];

/** `none`: every key claims its bucket; `proven`: hubs do not on a store whose locks are known; `asked`: on any. */
export type HubSharing = 'none' | 'proven' | 'asked';

/** The options of a load that decide on it. */
interface HubOptions {
  readonly hubs?: HubKind;
  readonly schedule?: ScheduleKind;
  readonly idExtractor?: unknown;
}

/** @throws {@link ConfigError} `GW_CONFIG_OPTION` for `hubs: 'share'` where rows of one node may not run side by side. */
export function hubSharing(
  { hubs, schedule = 'claims', idExtractor }: HubOptions,
  mapping: CompiledMapping | undefined,
  maxCommits: number,
): HubSharing {
  const asked = hubs && choiceOption('hubs', hubs, HUB_KINDS);
  if (asked === 'claim') return 'none';
  const reason = whyNot(mapping, schedule, idExtractor !== undefined, maxCommits);
  if (reason === undefined) return asked ? 'asked' : 'proven';
  if (!asked) return 'none';
  throw new ConfigError('GW_CONFIG_OPTION', `\`hubs: 'share'\` ${reason}.`, { details: { option: 'hubs' } });
}

function whyNot(
  mapping: CompiledMapping | undefined,
  schedule: ScheduleKind,
  hasExtractor: boolean,
  maxCommits: number,
): string | undefined {
  if (!mapping) return 'needs a `mapping`: what a `query` locks is not known';
  if (!mapping.createsOnly)
    return "is for relationships with `write: 'create'` between nodes that `match` and get no properties: MERGE and SET lock a node for one writer";
  if (schedule !== 'claims') return "needs `schedule: 'claims'`";
  if (hasExtractor) return 'decides on buckets itself; leave `idExtractor` out';
  if (maxCommits !== 1) return 'needs one commit at a time; leave `maxCommits` of the context at 1';
  return undefined;
}
