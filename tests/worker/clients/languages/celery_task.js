// celery-node: task protocol 2 on Redis, as any Node service would send it.
const celery = require("celery-node");

const client = celery.createClient(process.argv[2], process.argv[2], "tickets");
const ticket = { id: "node-celery", source: "node", subject: "Card", body: "My card has not arrived, ordered two weeks ago." };
client
  .isReady()
  .then(() => {
    client.createTask("tasks.triage").applyAsync([], { ticket });
    return client.isReady();
  })
  .then(() => client.disconnect());
