// Package conveyor is the Go client of Conveyor, and a runtime for drivers.
//
// A driver does the work of a pipeline's steps. It is a name, what it listens to, and a function:
//
//	greeter := &conveyor.Driver{Name: "greeter", Definitions: []string{"person"}, Reconcile: greet}
//	err := conveyor.NewManager("http://127.0.0.1:8080", greeter).Run(ctx)
//
// [Manager] keeps the stream to the server, and the tasks while there is none. [Task] is what the
// function is given, [Result] what it gives back, [Logger] where it logs. The context that it gets is
// cancelled when the work is to stop; [Cause] says why. For everything else there is [Client].
//
// A task may be delivered more than once (after a crash, to another instance), so work must bear to be
// done again.
//
// Inside, the rules of the protocol are in ledger.go and held.go, without I/O; session.go and stream.go
// speak with the server; work.go carries out one task; lines.go keeps log lines until they are stored.
package conveyor

// Version is the version of this module, which a driver names to the server.
const Version = "0.1.0"
