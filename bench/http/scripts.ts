import { EventStream } from '../work/event.ts';

/** Requests as Lua for `wrk`. Each thread of wrk runs its own copy; there is only one. */

const head = `
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
math.randomseed(os.time())
local sources = { "web", "mobile", "iot_device", "system" }
local actions = { "login", "purchase", "click" }
local number = 0
`;

/** An event of the system `events`, about 300 bytes, without an id: the server makes one. */
const event = `
local function event()
  number = number + 1
  return string.format('{"type":"user_action","source":"%s","user_id":"user-%06d","data":{"action":"%s","value":%d,"metadata":{"page":"/products/%d","referrer":"https://www.example.com/campaigns/autumn","session":"%08x%08x","agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0","number":%d}}}',
    sources[number % 4 + 1], math.random(0, 999999), actions[number % 3 + 1], math.random(1, 9999), math.random(1, 5000),
    math.random(0, 2147483647), math.random(0, 2147483647), number)
end
`;

/** Single events to `POST /events`. Made before the load begins, so that making them costs the server nothing. */
const singleEvent = `${head}${event}
local made = {}
init = function()
  for i = 1, 5000 do made[i] = wrk.format(nil, "/events", nil, event()) end
end
request = function()
  number = number + 1
  return made[number % #made + 1]
end
`;

/** Batches of 100 to `POST /events/batch`, also made in advance. */
const batchOfEvents = `${head}${event}
local made = {}
init = function()
  for b = 1, 100 do
    local events = {}
    for i = 1, 100 do events[i] = event() end
    made[b] = wrk.format(nil, "/events/batch", nil, '{"events":[' .. table.concat(events, ",") .. ']}')
  end
end
request = function()
  number = number + 1
  return made[number % #made + 1]
end
`;

/** Single messages to `POST /messages`: 10,000 rockets, each with its numbers in order except for every eighth pair, which is swapped. */
const singleMessage = `${head}
local rockets = 10000
-- wrk asks for one request before the load, to look at it, and never sends it.
number = -1
local run = string.format("%08x-%04x-4%03x", math.random(0, 2147483647), math.random(0, 65535), math.random(0, 4095))
request = function()
  if number < 0 then number = 0; return wrk.format(nil, "/messages", nil, "{}") end
  local place = number
  if math.floor(place / rockets / 2) % 8 == 7 then
    local round = math.floor(place / rockets)
    place = (round % 2 == 0 and round + 1 or round - 1) * rockets + place % rockets
  end
  number = number + 1
  local rocket, message = place % rockets, math.floor(place / rockets) + 1
  local kind, body = "RocketSpeedIncreased", string.format('{"by":%d}', math.random(1, 500))
  if message == 1 then kind, body = "RocketLaunched", '{"type":"Falcon-9","launchSpeed":500,"mission":"ARTEMIS"}' end
  return wrk.format(nil, "/messages", nil, string.format(
    '{"metadata":{"channel":"%s-8%03x-%012x","messageNumber":%d,"messageTime":"2026-02-02T19:39:05.86337+01:00","messageType":"%s"},"message":%s}',
    run, rocket % 4096, rocket, message, kind, body))
end
`;

/** The events for the ledger: the work of all peers (`work/`). They are sent again and again, so that `seq` stays bounded. */
const ledgerEvents = new EventStream({ seed: 1, keys: 10_000, sender: 0, senders: 1 }).take(50_000);
const batchSize = 100;

/** Single events to `POST /pipelines/ledger/events`. */
const singleLedgerEvent = inTurn(
  '/pipelines/ledger/events',
  ledgerEvents.map((event) => JSON.stringify(event)),
);

/** Batches of 100 to `POST /pipelines/ledger/events/batch`. */
const batchOfLedgerEvents = inTurn(
  '/pipelines/ledger/events/batch',
  Array.from({ length: ledgerEvents.length / batchSize }, (_, batch) =>
    JSON.stringify({ events: ledgerEvents.slice(batch * batchSize, (batch + 1) * batchSize) }),
  ),
);

/** All scripts, by name. */
export const scripts = { singleEvent, batchOfEvents, singleMessage, singleLedgerEvent, batchOfLedgerEvents };

/** Sends these bodies, one after another and then from the first again. All are made before the load begins. */
function inTurn(path: string, bodies: readonly string[]): string {
  return `${head}
local bodies = [==[
${bodies.join('\n')}
]==]
local made = {}
init = function()
  for body in bodies:gmatch("[^\\n]+") do made[#made + 1] = wrk.format(nil, "${path}", nil, body) end
end
request = function()
  number = number + 1
  return made[number % #made + 1]
end
`;
}
