package conveyor

// One connection to a server, the typed clients of its services on it, and the calls that users need most.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	// The largest message taken from a server. It sends 8 MiB at most by default.
	messageBytes = 16 << 20
	// How long a connection may take to stand.
	connectTimeout = 5 * time.Second
	// How much a server may send before it is read: an offer of several MiB must not hold up what is behind
	// it for many round trips.
	windowBytes = 4 << 20
	// A peer that is silent for this long is asked for a sign of life, and has as long again to give it.
	keepAlive = 10 * time.Second
)

// Client is a connection to one server. It comes back by itself when it breaks. Any goroutine may use it.
type Client struct {
	server string
	conn   *grpc.ClientConn
}

// Connect connects to the server at an address such as http://127.0.0.1:8080, and waits until it answers.
func Connect(ctx context.Context, server string) (*Client, error) {
	conn, err := dial(server)
	if err != nil {
		return nil, err
	}
	conn.Connect()
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		if state == connectivity.TransientFailure || !conn.WaitForStateChange(ctx, state) {
			_ = conn.Close()
			return nil, fmt.Errorf("no server answers at %s: start one with `conveyor up`", server)
		}
	}
	return &Client{server: server, conn: conn}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Resources is the service of resource definitions and resources.
func (c *Client) Resources() conveyorv1.ResourceServiceClient {
	return conveyorv1.NewResourceServiceClient(c.conn)
}

// Pipelines is the service of pipelines.
func (c *Client) Pipelines() conveyorv1.PipelineServiceClient {
	return conveyorv1.NewPipelineServiceClient(c.conn)
}

// Runs is the service of runs.
func (c *Client) Runs() conveyorv1.RunServiceClient { return conveyorv1.NewRunServiceClient(c.conn) }

// Drivers is the service of drivers.
func (c *Client) Drivers() conveyorv1.DriverServiceClient {
	return conveyorv1.NewDriverServiceClient(c.conn)
}

// Logs is the service of logs.
func (c *Client) Logs() conveyorv1.LogServiceClient { return conveyorv1.NewLogServiceClient(c.conn) }

// Resource is a named object of one definition.
type Resource struct {
	// Definition is the name of its definition, which is its type.
	Definition string
	// Name is unique among the resources of the definition.
	Name string
	// Pipeline is the pipeline that carries out its events. Empty: every driver that listens.
	Pipeline string
	// Metadata is key-value pairs. The server adds some of its own.
	Metadata map[string]string
	// Spec is what the drivers are to do, as the JSON text that its user wrote.
	Spec json.RawMessage
	// ID and Revision are the server's: a UUID, and the count of the writes, from 1.
	ID       string
	Revision int64
}

// NewResource is a resource with the JSON form of spec.
func NewResource(definition, name string, spec any) (Resource, error) {
	text, err := jsonText(spec)
	return Resource{Definition: definition, Name: name, Spec: text}, err
}

func resourceOf(wire *conveyorv1.Resource) Resource {
	return Resource{
		Definition: wire.GetResource(),
		Name:       wire.GetName(),
		Pipeline:   wire.GetPipeline(),
		Metadata:   wire.GetMetadata(),
		Spec:       json.RawMessage(wire.GetSpecJson()),
		ID:         wire.GetId(),
		Revision:   wire.GetRevision(),
	}
}

func (r Resource) wire() *conveyorv1.Resource {
	return &conveyorv1.Resource{
		Resource: r.Definition,
		Name:     r.Name,
		Pipeline: r.Pipeline,
		Metadata: r.Metadata,
		SpecJson: string(r.Spec),
	}
}

// Define creates a definition, or replaces the schema of the one of that name.
func (c *Client) Define(ctx context.Context, name string, schema any) error {
	text, err := jsonText(schema)
	if err != nil {
		return err
	}
	definition := &conveyorv1.ResourceDefinition{Name: name, SchemaJson: string(text)}
	request := &conveyorv1.ApplyResourceDefinitionRequest{ResourceDefinition: definition}
	_, err = Retried(ctx, func(ctx context.Context) (*conveyorv1.ResourceDefinition, error) {
		return c.Resources().ApplyResourceDefinition(ctx, request)
	})
	return err
}

// Create creates a resource. It gives the resource as it stands, and the run that carries it out.
func (c *Client) Create(ctx context.Context, resource Resource) (Resource, string, error) {
	request := &conveyorv1.CreateResourceRequest{Resource: resource.wire()}
	change, err := Retried(ctx, func(ctx context.Context) (*conveyorv1.ResourceChange, error) {
		return c.Resources().CreateResource(ctx, request)
	})
	return resourceOf(change.GetResource()), change.GetRunId(), err
}

// Apply creates a resource or replaces the one of that type and name. Where nothing differs there is no run.
func (c *Client) Apply(ctx context.Context, resource Resource) (Resource, string, error) {
	request := &conveyorv1.ApplyResourceRequest{Resource: resource.wire()}
	change, err := Retried(ctx, func(ctx context.Context) (*conveyorv1.ResourceChange, error) {
		return c.Resources().ApplyResource(ctx, request)
	})
	return resourceOf(change.GetResource()), change.GetRunId(), err
}

// Get reads a resource.
func (c *Client) Get(ctx context.Context, definition, name string) (Resource, error) {
	request := &conveyorv1.GetResourceRequest{Resource: definition, Name: name}
	resource, err := c.Resources().GetResource(ctx, request)
	return resourceOf(resource), err
}

// Delete deletes a resource, and gives the run that carries it out.
func (c *Client) Delete(ctx context.Context, definition, name string) (string, error) {
	request := &conveyorv1.DeleteResourceRequest{Resource: definition, Name: name}
	change, err := c.Resources().DeleteResource(ctx, request)
	return change.GetRunId(), err
}

// dial makes every connection of this package. It stands when it is first used.
func dial(server string) (*grpc.ClientConn, error) {
	address, err := target(server)
	if err != nil {
		return nil, err
	}
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageBytes), grpc.MaxCallSendMsgSize(messageBytes)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepAlive, Timeout: keepAlive, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           grpcbackoff.Config{BaseDelay: shortestWait, Multiplier: 2, Jitter: 0.5, MaxDelay: longestWait},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithUserAgent("conveyor-go/"+Version),
	)
}

// target is the host and port of a server's address.
func target(server string) (string, error) {
	address, err := url.Parse(server)
	switch {
	case err != nil:
	case address.Scheme != "http":
		err = errors.New("it does not begin with http://")
	case address.Hostname() == "":
		err = errors.New("it names no host")
	case address.Port() == "":
		return net.JoinHostPort(address.Hostname(), "80"), nil
	default:
		return address.Host, nil
	}
	return "", fmt.Errorf("%q is not the address of a server (%w): give one like %s", server, err, DefaultServer)
}
