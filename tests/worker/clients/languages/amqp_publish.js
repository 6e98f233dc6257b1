// amqplib: one confirmed publish of plain JSON, no Celery.
const amqp = require("amqplib");

async function main() {
  const [url, queue] = process.argv.slice(2);
  const connection = await amqp.connect(url);
  const channel = await connection.createConfirmChannel();
  await channel.checkQueue(queue); // the workers declare it; publishing to no queue would lose the ticket
  const ticket = { id: "node-amqp", source: "node", subject: "Card", body: "My card has not arrived, ordered two weeks ago." };
  channel.sendToQueue(queue, Buffer.from(JSON.stringify(ticket)), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

main();
