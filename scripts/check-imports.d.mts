/** Checks the sources below `src`; gives a list of sentences, empty when all is well. */
export function checkImports(src: string): string[];
