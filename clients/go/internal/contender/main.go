// Command contender is the Go runtime's driver in the conformance suite: it does what the spec of each
// resource says. clients/conformance/README.md is the contract.
package main

import (
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/open-ug/conveyor/clients/go"
	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

func main() {
	driver := &conveyor.Driver{
		Name:           setting("DRIVER"),
		Slots:          int(number("SLOTS")),
		Definitions:    list("DEFINITIONS"),
		Events:         list("EVENTS"),
		Labels:         map[string]string{},
		LogMemory:      int(number("LOG_MEMORY")),
		LogSpill:       number("LOG_SPILL"),
		StopAtLeaseEnd: setting("STOP_AT_LEASE_END") == "true",
		Reconcile:      reconcile,
		OnMessage: func(message *conveyorv1.Message) {
			say("message %s %s", message.Event, message.Payload)
		},
	}
	for _, label := range list("LABELS") {
		key, value, _ := strings.Cut(label, "=")
		driver.Labels[key] = value
	}
	if err := conveyor.NewManager(setting("SERVER"), driver).RunUntilSignal(); err != nil {
		log.Fatal(err)
	}
}

func setting(name string) string { return os.Getenv("CONTENDER_" + name) }

func list(name string) []string {
	if setting(name) == "" {
		return nil
	}
	return strings.Split(setting(name), ",")
}

func number(name string) int64 {
	if setting(name) == "" {
		return 0
	}
	value, err := strconv.ParseInt(setting(name), 10, 64)
	if err != nil {
		log.Fatalf("CONTENDER_%s: %v", name, err)
	}
	return value
}
