/** The pieces of the driver's inside that graphweft uses; their version is pinned with the driver's. */
declare module 'neo4j-driver-bolt-connection/lib/packstream/structure.js' {
  export class Structure {
    constructor(signature: number, fields: readonly unknown[]);
    readonly signature: number;
    readonly fields: readonly unknown[];
  }
}

declare module 'neo4j-driver-bolt-connection/lib/packstream/packstream-v1.js' {
  export class Packer {
    packable(value: unknown, dehydrate?: (value: unknown) => unknown): () => unknown;
  }
}

declare module 'neo4j-driver-bolt-connection/lib/channel/channel-buf.js' {
  export interface ChannelBuffer {
    readonly position: number;
    readonly _buffer: Buffer;
  }
  /** Wraps bytes; by its name it makes new ones, and for a size it does. */
  export function alloc(bytes: Buffer): ChannelBuffer;
}
