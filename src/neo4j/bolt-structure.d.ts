/** The one piece of the driver's inside that graphweft uses; its version is pinned with the driver's. */
declare module 'neo4j-driver-bolt-connection/lib/packstream/structure.js' {
  export class Structure {
    constructor(signature: number, fields: readonly unknown[]);
    readonly signature: number;
    readonly fields: readonly unknown[];
  }
}
