/** What is used of the driver's packages, which are CommonJS; types come from the packages themselves. */
import type * as api from 'neo4j-driver';
import type * as channels from 'neo4j-driver-bolt-connection/lib/channel/channel-buf.js';
import type * as packers from 'neo4j-driver-bolt-connection/lib/packstream/packstream-v1.js';
import type * as structures from 'neo4j-driver-bolt-connection/lib/packstream/structure.js';
import { loadPackage } from '../core/load-package.ts';

const BOLT = 'neo4j-driver-bolt-connection/lib';

export const { default: neo4j, Neo4jError } = loadPackage('neo4j-driver') as typeof api;
export type Neo4jError = api.Neo4jError;

// Of the driver's inside; the version is pinned.
export const { alloc } = loadPackage(`${BOLT}/channel/channel-buf.js`) as typeof channels;
export const { Packer } = loadPackage(`${BOLT}/packstream/packstream-v1.js`) as typeof packers;
export type Packer = packers.Packer;
export const { Structure } = loadPackage(`${BOLT}/packstream/structure.js`) as typeof structures;
export type Structure = structures.Structure;
