// Loads from SQL_URI, and prints all that a program could print of what came of it.
import { inspect } from 'node:util';
import { ETLContext, node, SQLLoad2Neo4jTask } from 'graphweft';

const [label] = process.argv.slice(2);
const say = (what) => console.log(inspect(what, { depth: 12, showHidden: true }));
try {
  const context = new ETLContext();
  say(context);
  const task = new SQLLoad2Neo4jTask(context, {
    name: 'planted',
    url: process.env.SQL_URI,
    sql: 'SELECT 1 AS x',
    mapping: node(label, { x: 'x' }),
  });
  say(task);
  const result = await task.execute();
  say(result);
  console.log(JSON.stringify([context, task, result, result.error]));
  await context.close();
  for (let error = result.error; error; error = error.cause)
    console.log(error.stack, String(error), error.details);
} catch (error) {
  say(error);
  console.log(error.stack, JSON.stringify(error));
}
