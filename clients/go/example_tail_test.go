//go:build go1.23

package conveyor_test

// A tail in a for loop, which needs Go 1.23.

import (
	"context"
	"fmt"
	"log"

	"github.com/open-ug/conveyor/clients/go"
)

func ExampleClient_Tail() {
	ctx := context.Background()
	client, err := conveyor.Connect(ctx, "http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for line, err := range client.Tail(ctx, "01a1fc47-33dd-7012-87ac-b4a4ea84c1b6", conveyor.TailOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(line.Step, line.Message)
	}
}
