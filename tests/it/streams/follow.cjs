// Follows a log as programs in Node do, and prints what comes, one JSON object on each line.
//
// node follow.cjs ws|sse <url> [header=value ...]

const [kind, url, ...given] = process.argv.slice(2);
const headers = Object.fromEntries(given.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
const print = (object) => console.log(JSON.stringify(object));

if (kind === "ws") {
  const { WebSocket } = require("ws");
  const { send, ...others } = headers;
  const socket = new WebSocket(url, { headers: others });
  socket.on("open", () => send && socket.send("x".repeat(Number(send))));
  socket.on("message", (data, isBinary) => print({ frame: JSON.parse(data), isBinary }));
  socket.on("unexpected-response", (_, response) => {
    print({ refused: response.statusCode });
    process.exit();
  });
  socket.on("error", (error) => print({ error: error.message }));
  socket.on("close", (code) => print({ closed: code }));
} else {
  const { EventSource } = require("eventsource");
  // Its own timer does not keep the process alive.
  const awake = setInterval(() => {}, 1000);
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
  });
  for (const type of ["message", "gap", "end"]) {
    source.addEventListener(type, (event) =>
      print({ type, id: event.lastEventId, data: JSON.parse(event.data) }),
    );
  }
  // It comes back by itself until it is told to stay away.
  source.addEventListener("error", (event) => {
    if (source.readyState !== EventSource.CLOSED) return;
    print({ stopped: event.code });
    clearInterval(awake);
  });
}
