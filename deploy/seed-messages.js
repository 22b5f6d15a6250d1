// Puts messages into the system `messages`: node deploy/seed-messages.js [URL] [COUNT]. On a second run it adds as many again.

const [url = 'http://127.0.0.1:8080', count = '20'] = process.argv.slice(2);

for (let number = 1; number <= Number(count); number += 1) {
  const body = JSON.stringify({ to: `+90555${String(1_000_000 + number)}`, content: `Message ${number}` });
  const answer = await fetch(`${url}/messages/pending`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`expected the message to be taken in, found ${answer.status} ${await answer.text()}`);
}
process.stdout.write(`${count} messages wait to be sent: ${url}/messages/pending\n`);
