// node-redis: one LPUSH of plain JSON, no Celery.
const { createClient } = require("redis");

async function main() {
  const client = await createClient({ url: process.argv[2] }).connect();
  const ticket = { id: "node-redis", source: "node", subject: "", body: "My card has not arrived, ordered two weeks ago." };
  await client.lPush("intake", JSON.stringify(ticket));
  await client.close();
}

main();
