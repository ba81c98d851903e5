// What ClickHouse's own JavaScript client does on an endpoint; prints what it saw.
// Run as: NODE_PATH=.node/node_modules node steps.cjs http://127.0.0.1:8123
"use strict";

const { Readable } = require("node:stream");
const { createClient } = require("@clickhouse/client");

const ROWS = 20000;
const url = process.argv[2];
const compression = { request: true, response: true };

function* rows() {
  for (let a = 0; a < ROWS; a += 1) yield { a: String(a), b: `it's "ü" ${a}` };
}

async function streamed(client, query) {
  const answer = await client.query({ query, format: "JSONEachRow" });
  let count = 0;
  let last = null;
  for await (const part of answer.stream()) {
    count += part.length;
    last = part.at(-1).json();
  }
  return { count, last };
}

async function errorOf(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return { code: error.code ?? null, type: error.type ?? null, message: error.message };
  }
}

async function insertAndSelect(client, table) {
  await client.command({
    query: `create or replace table ${table} (a UInt64, b String)
            engine = MergeTree order by a`,
  });
  const done = await client.insert({
    table,
    values: Readable.from(rows(), { objectMode: true }),
    format: "JSONEachRow",
  });
  const found = await streamed(client, `select a, b from ${table} order by a`);
  await client.command({ query: `drop table ${table} sync` });
  return { written: done.summary?.written_rows ?? null, ...found };
}

async function session() {
  const client = createClient({ url, session_id: `javascript-${process.pid}` });
  await client.command({ query: "create temporary table scratch (a Int32)" });
  await client.insert({ table: "scratch", values: [{ a: 1 }, { a: 2 }], format: "JSONEachRow" });
  const answer = await client.query({ query: "select sum(a) as total from scratch" });
  const found = (await answer.json()).data;
  await client.close();
  return found;
}

async function aborted(client) {
  const controller = new AbortController();
  const query_id = `javascript-aborted-${process.pid}`;
  const running = errorOf(
    client.query({
      query: "select count() from numbers(1000000000003)",
      query_id,
      abort_signal: controller.signal,
    }),
  );
  const others = async () => {
    const answer = await client.query({
      query: `select count() as n from system.processes
              where query ilike '%numbers(1000000000003)%'
              and query not ilike '%system.processes%'`,
      format: "JSONEachRow",
    });
    return Number((await answer.json())[0].n);
  };
  const until = async (wanted) => {
    for (let tries = 0; tries < 200; tries += 1) {
      if ((await others()) === wanted) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  };
  const started = await until(1);
  controller.abort();
  const error = await running;
  return { started, error, stopped: await until(0) };
}

async function main() {
  const plain = createClient({ url });
  const packed = createClient({ url, compression });
  const seen = {
    ping: (await plain.ping()).success,
    plain: await insertAndSelect(plain, "javascript_plain"),
    packed: await insertAndSelect(packed, "javascript_packed"),
    unknown: await errorOf(plain.query({ query: "select * from no_such_table" })),
    session: await session(),
    aborted: await aborted(plain),
  };
  await plain.close();
  await packed.close();
  process.stdout.write(JSON.stringify(seen));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
