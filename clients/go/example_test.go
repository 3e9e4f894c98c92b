package conveyor_test

// How the package is used. What has an output is run by go test.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os/exec"

	"github.com/open-ug/conveyor/clients/go"
)

type person struct {
	Greetings []string `json:"greetings"`
}

func ExampleSpec() {
	spec := json.RawMessage(`{"greetings": ["Hello", "Good day"]}`)
	task := &conveyor.Task{Resource: conveyor.Resource{Name: "ada", Spec: spec}}
	person, err := conveyor.Spec[person](task)
	fmt.Println(person.Greetings, err)
	// Output: [Hello Good day] <nil>
}

func ExampleResult_WithData() {
	result := conveyor.Success("built").WithData(map[string]string{"image": "app:1.2"})
	fmt.Println(result.Success, result.Message, result.Data)
	// Output: true built map[image:app:1.2]
}

func ExampleManager_Run() {
	build := func(ctx context.Context, task *conveyor.Task) (conveyor.Result, error) {
		task.Log.Info("builds", "resource", task.Resource.Name)
		// The command ends with the task, and its output is in the log.
		err := task.Log.Run(exec.CommandContext(ctx, "make", "image"))
		if errors.Is(conveyor.Cause(ctx), conveyor.ErrDeadline) {
			return conveyor.Failure("it took too long"), nil
		}
		return conveyor.Success("built"), err
	}
	builder := &conveyor.Driver{Name: "builder", Definitions: []string{"image"}, Slots: 2, Reconcile: build}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := conveyor.NewManager("http://127.0.0.1:8080", builder).Run(ctx); err != nil {
		log.Fatal(err)
	}
}

func ExampleClient_Create() {
	ctx := context.Background()
	client, err := conveyor.Connect(ctx, "http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ada, err := conveyor.NewResource("person", "ada", person{Greetings: []string{"Hello"}})
	if err != nil {
		log.Fatal(err)
	}
	_, runID, err := client.Create(ctx, ada)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(runID)
}
