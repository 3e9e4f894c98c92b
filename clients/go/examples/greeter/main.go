// Command greeter is a driver of forty lines: it greets each person, line by line.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/open-ug/conveyor/clients/go"
)

type person struct {
	Greetings []string `json:"greetings"`
}

func greet(ctx context.Context, task *conveyor.Task) (conveyor.Result, error) {
	person, err := conveyor.Spec[person](task)
	if err != nil {
		return conveyor.Result{}, err
	}
	for _, greeting := range person.Greetings {
		task.Log.Line("stdout", fmt.Sprintf("%s, %s", greeting, task.Resource.Name))
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return conveyor.Result{}, conveyor.Cause(ctx)
		}
	}
	return conveyor.Success("greeted").WithData(map[string]int{"greetings": len(person.Greetings)}), nil
}

func main() {
	greeter := &conveyor.Driver{Name: "greeter", Definitions: []string{"person"}, Slots: 4, Reconcile: greet}
	if err := conveyor.NewManager("", greeter).RunUntilSignal(); err != nil {
		log.Fatal(err)
	}
}
